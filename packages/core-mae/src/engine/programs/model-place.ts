/** Functions through which a model is run, not part of it. */
const outside = new Set(['forward', 'differentiate', 'keepAll', 'backpropagateGradients']);

/**
 * Where in a model an operation was asked for: the functions of the model from the outermost on, and the line.
 * `maeLoss › block › attention (…/attention.js:31:20)`; undefined where no function of a model is on the stack, as for
 * TF.js's own gradients.
 *
 * @param stack of an error made in the kernel
 */
export function modelPlace(stack: string): string | undefined {
  const frames = stack
    .split('\n')
    .slice(1)
    .map((line) => /^\s+at (?:async )?(?:(.*?) \()?(?:file:\/\/)?([^()]*:\d+:\d+)\)?$/.exec(line))
    .filter((match) => match !== null)
    .map(([, name = '', location]) => ({ name: name.split(' ')[0]!.split('.').at(-1)!, location: location! }));
  const isTensorFlow = ({ location }: { location: string }): boolean => /[\\/]@tensorflow[\\/]/.test(location);
  // Above TF.js's innermost frame is the engine; the model's functions call TF.js between there and the engine again.
  const called = frames.slice(frames.findIndex(isTensorFlow));
  const end = called.findIndex(({ name }) => outside.has(name));
  const model = called.slice(0, end < 0 ? undefined : end).filter((frame) => !isTensorFlow(frame));
  if (model.length === 0) return undefined;
  const names = model.map(({ name }) => name).filter((name) => name !== '' && name !== '<anonymous>');
  return [...names.reverse(), `(${model[0]!.location})`].join(' › ').replace(' › (', ' (');
}

/** Whether an operation is asked for by the gradients, and not by the model itself. */
export function isInGradient(stack: string): boolean {
  return /\bbackpropagateGradients\b/.test(stack);
}
