import type { ProgramSpec } from '../../contracts/engine.js';
import { type Batch, type ParameterTree, sameShape, type Shape, sizeOf } from '../../contracts/tensor.js';
import { MaeError } from '../../base/errors.js';

/**
 * Compares what a program is given with what it was compiled for.
 *
 * @throws MaeError `SHAPE_MISMATCH` naming the first parameter, gradient or entry of the batch that is missing or has
 * another shape, dtype or length
 */
export function checkInputs(
  spec: ProgramSpec,
  parameters: ParameterTree,
  batch: Batch,
  gradients?: ParameterTree,
): void {
  for (const [name, shape] of Object.entries(spec.parameters)) {
    checkTensor(spec.name, `parameter "${name}"`, { shape, dtype: 'float32' }, float32(parameters, name));
  }
  for (const [name, expected] of Object.entries(spec.batch)) {
    checkTensor(spec.name, `batch entry "${name}"`, expected, batch[name]);
  }
  for (const name of spec.gradients ?? []) {
    const shape = spec.parameters[name];
    if (shape === undefined) continue;
    const where = gradients === undefined ? undefined : float32(gradients, name);
    checkTensor(spec.name, `gradient of "${name}"`, { shape, dtype: 'float32' }, where);
  }
}

interface Described {
  readonly shape: Shape;
  readonly dtype: string;
  readonly data?: { readonly length: number };
}

function float32(tree: ParameterTree, name: string): Described | undefined {
  const parameter = tree.get(name);
  return parameter && { shape: parameter.shape, dtype: 'float32', data: parameter.data };
}

function checkTensor(where: string, what: string, expected: Described, actual: Described | undefined): void {
  if (actual === undefined) {
    throw new MaeError('SHAPE_MISMATCH', { what: `${what} is missing`, where, fix: `expected ${describe(expected)}` });
  }
  const fits =
    sameShape(expected.shape, actual.shape) &&
    expected.dtype === actual.dtype &&
    actual.data?.length === sizeOf(expected.shape);
  if (fits) return;
  throw new MaeError('SHAPE_MISMATCH', {
    what: `${what} is ${describe(actual)} with ${actual.data?.length ?? 0} values`,
    where,
    fix: `expected ${describe(expected)}`,
  });
}

function describe({ shape, dtype }: Described): string {
  return `${dtype} [${shape.join(', ')}]`;
}
