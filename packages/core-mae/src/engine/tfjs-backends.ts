import { createRequire } from 'node:module';
import { dirname, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import util from 'node:util';
import * as tf from '@tensorflow/tfjs';
import { MaeError, messageOf } from '../base/errors.js';
import { borrowKernels } from './borrowed-kernels.js';

/** TF.js backends that run functions eagerly: plain JavaScript, WebAssembly, or the native TensorFlow addon. */
export type TfjsBackend = 'cpu' | 'wasm' | 'tensorflow';

/**
 * The version of the package that runs this backend, once it is loaded and started.
 *
 * @throws MaeError `ENGINE_UNAVAILABLE`
 */
export async function startTfjsBackend(backend: TfjsBackend): Promise<string> {
  const description = await loaders[backend]();
  // Leaves the process's active backend as it was.
  const previous = tf.getBackend() as string | undefined;
  try {
    if (!(await tf.setBackend(backend))) throw new Error('the backend did not start');
    const instance = tf.backend() as { firstUse?: boolean };
    // Otherwise the JavaScript backend prints an advertisement for the native addon at its first use.
    if (backend === 'cpu') instance.firstUse = false;
    if (backend === 'wasm') {
      await startTfjsBackend('cpu');
      borrowKernels('wasm');
    }
  } catch (cause) {
    throw new MaeError('ENGINE_UNAVAILABLE', {
      what: `the TF.js backend "${backend}" does not start: ${messageOf(cause)}`,
      cause,
    });
  }
  if (previous !== undefined) await tf.setBackend(previous);
  return description;
}

const loaders: Record<TfjsBackend, () => Promise<string>> = {
  cpu: () => Promise.resolve(`TF.js ${tf.version_core} in JavaScript, 1 thread`),
  wasm: loadWasm,
  tensorflow: loadTensorflow,
};

async function loadWasm(): Promise<string> {
  const { setWasmPaths, version_wasm } = await import('@tensorflow/tfjs-backend-wasm');
  const entry = createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm');
  setWasmPaths(dirname(entry) + sep);
  return `TF.js ${version_wasm} in WebAssembly, 1 thread`;
}

/** The addon for GPUs, or else the one for CPUs; both register the backend `tensorflow`. */
async function loadTensorflow(): Promise<string> {
  restoreRemovedUtilities();
  const packages = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'];
  for (const name of packages) {
    const entry = findPackage(name);
    if (entry === undefined) continue;
    try {
      await import(pathToFileURL(entry).href);
      return `${name} ${tf.version_core}`;
    } catch (cause) {
      throw new MaeError('ENGINE_UNAVAILABLE', {
        what: `${name} is installed but does not load: ${messageOf(cause)}`,
        fix: 'docs/backends.md says how its native library is built',
        cause,
      });
    }
  }
  throw new MaeError('ENGINE_UNAVAILABLE', {
    what: 'the device "tensorflow" needs @tensorflow/tfjs-node-gpu or @tensorflow/tfjs-node, and neither is installed',
    fix: 'run: npm i @tensorflow/tfjs-node',
  });
}

/** The path of an installed package's entry, or undefined. */
function findPackage(name: string): string | undefined {
  try {
    return createRequire(import.meta.url).resolve(name);
  } catch {
    return undefined;
  }
}

/** tfjs-node 4.22 calls `util.isArray` and its kin, which Node 23 removed. */
function restoreRemovedUtilities(): void {
  const removed: Readonly<Record<string, (value: unknown) => boolean>> = {
    isArray: (value) => Array.isArray(value),
    isBoolean: (value) => typeof value === 'boolean',
    isFunction: (value) => typeof value === 'function',
    isNull: (value) => value === null,
    isNullOrUndefined: (value) => value === null || value === undefined,
    isNumber: (value) => typeof value === 'number',
    isObject: (value) => value !== null && typeof value === 'object',
    isString: (value) => typeof value === 'string',
    isUndefined: (value) => value === undefined,
  };
  const target = util as unknown as Record<string, unknown>;
  for (const [name, fn] of Object.entries(removed)) target[name] ??= fn;
}
