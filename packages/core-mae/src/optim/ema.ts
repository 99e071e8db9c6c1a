import type { ParameterTree } from '../contracts/tensor.js';
import type { VectorKernels } from '../engine/kernels/vector-kernels.js';

/** Moves an exponential moving average towards the parameters: `average += (1 − decay) · (parameter − average)`. */
export function updateAverage(
  kernels: VectorKernels,
  average: ParameterTree,
  parameters: ParameterTree,
  decay: number,
): void {
  for (const [name, { data }] of average) kernels.lerp(data, parameters.get(name)!.data, 1 - decay);
}
