import type { ParameterTree } from '../../contracts/tensor.js';
import { MaeError } from '../../base/errors.js';

/** The first place where an array holds NaN or an infinity, or undefined. */
export function placeOfNotFinite(values: Float32Array): number | undefined {
  // One sum tells of the whole array: 0 times anything that is not finite is NaN.
  let sum = 0;
  for (let index = 0; index < values.length; index++) sum += values[index]! * 0;
  return sum === 0 ? undefined : values.findIndex((value) => !Number.isFinite(value));
}

/**
 * Weights that are not finite make every number that comes of them nonsense, so they are refused where they are read.
 *
 * @throws MaeError `CHECKPOINT_INVALID` naming the tensor, how many of its values are not finite, and the first of them
 */
export function requireFinite(values: Float32Array, name: string, path: string): void {
  const place = placeOfNotFinite(values);
  if (place === undefined) return;
  const count = values.reduce((sum, value) => sum + Number(!Number.isFinite(value)), 0);
  throw new MaeError('CHECKPOINT_INVALID', {
    what: `tensor \`${name}\` is not finite: ${count} of its ${values.length} values are NaN or infinite (the first is ${values[place]!}, at ${place})`,
    where: path,
    fix: 'use a checkpoint of an earlier step, or download the file again',
  });
}

/** The name of the first parameter that holds NaN or an infinity, or undefined. */
export function findNotFiniteParameter(parameters: ParameterTree): string | undefined {
  for (const [name, { data }] of parameters) if (placeOfNotFinite(data) !== undefined) return name;
  return undefined;
}
