import { MaeError, messageOf } from '../../../base/errors.js';

/** The error of a process in which `onnxruntime-node` could not be imported. */
export function missingLibrary(cause: unknown): MaeError {
  return new MaeError('ENGINE_UNAVAILABLE', {
    what: isNotInstalled(cause)
      ? 'the compiled engine is missing: onnxruntime-node is not installed'
      : `the compiled engine is missing: onnxruntime-node does not load: ${messageOf(cause).split('\n')[0]!}`,
    fix: `run: ${engineInstallCommand()}`,
    cause,
  });
}

/**
 * What a person types to install the compiled engine, on npm 10, 11 and 12. The variable keeps the package's install
 * script from fetching CUDA libraries: where their host is out of reach the script fails, and npm then drops the package.
 *
 * @param platform as `process.platform` has it: shells of Windows set variables in other ways
 */
export function engineInstallCommand(platform: NodeJS.Platform = process.platform): string {
  if (platform === 'win32') {
    return (
      'in PowerShell `$env:ONNXRUNTIME_NODE_INSTALL="skip"; npm i onnxruntime-node`, ' +
      'in cmd `set ONNXRUNTIME_NODE_INSTALL=skip&& npm i onnxruntime-node`'
    );
  }
  return 'ONNXRUNTIME_NODE_INSTALL=skip npm i onnxruntime-node';
}

/** Whether it is the package itself that is not there, as npm leaves it where its install script fails. */
function isNotInstalled(cause: unknown): boolean {
  if (!(cause instanceof Error) || (cause as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') return false;
  return cause.message.includes("'onnxruntime-node'");
}
