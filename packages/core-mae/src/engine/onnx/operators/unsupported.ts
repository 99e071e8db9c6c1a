import { MaeError } from '../../../base/errors.js';

/**
 * An error for something that cannot be traced, with the line of user code that asked for it.
 *
 * @param what the op, and what about it: "`tf.image.cropAndResize`"
 */
export function unsupported(what: string, fix?: string, cause?: Error): MaeError {
  const error = cause ?? new Error(what);
  // While gradients are taken, the nearest code outside TF.js is whoever asked for them, not whoever called the op.
  const inGradient = /\bbackpropagateGradients\b/.test(error.stack ?? '');
  return new MaeError('TRACE_UNSUPPORTED', {
    what: `${what}${inGradient ? ', which a gradient needs,' : ''} cannot be compiled to ONNX`,
    where: inGradient ? undefined : callSite(error),
    fix: fix ?? 'write it with other TF.js ops, or run with an eager device (`--device tensorflow`)',
    cause,
  });
}

/** Runs `fn` with stack traces long enough to reach the user's code through TF.js's own frames. */
export function withLongStacks<Result>(fn: () => Result): Result {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 80;
  try {
    return fn();
  } finally {
    Error.stackTraceLimit = limit;
  }
}

const ENGINE_FOLDER = new URL('../..', import.meta.url);
const OWN_FILE = new URL(import.meta.url);

/** `file:line:column` of the innermost frame that belongs neither to TF.js, nor to this engine, nor to Node.js. */
function callSite({ stack = '' }: Error): string | undefined {
  for (const line of stack.split('\n').slice(1)) {
    const location = /\(?((?:file:\/\/)?\/[^()]*|[A-Za-z]:\\[^()]*):(\d+):(\d+)\)?$/.exec(line.trim());
    if (location === null) continue;
    const path = location[1]!.replace(/^file:\/\//, '');
    const bundled = path === OWN_FILE.pathname;
    if (bundled || path.includes('/@tensorflow/') || inEngine(path)) continue;
    return `${path}:${location[2]}:${location[3]}`;
  }
  return undefined;
}

/** In a bundle the engine is one file among others in `dist/`, so only the source tree is recognised by folder. */
function inEngine(path: string): boolean {
  return ENGINE_FOLDER.pathname.endsWith('/engine/') && path.startsWith(ENGINE_FOLDER.pathname);
}
