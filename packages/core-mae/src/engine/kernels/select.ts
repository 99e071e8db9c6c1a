import type { VectorKernels } from './vector-kernels.js';
import { plainKernels } from './plain.js';
import { wasmKernels } from './wasm.js';

const byBuffer = new WeakMap<ArrayBufferLike, VectorKernels>();

/** Makes the WebAssembly kernels, where they can run, responsible for arrays in this memory, which must not grow any more. */
export function registerMemory(memory: WebAssembly.Memory): void {
  const kernels = wasmKernels(memory);
  if (kernels !== undefined) byBuffer.set(memory.buffer, kernels);
}

/** WebAssembly kernels where all arrays lie in one registered memory, the plain ones otherwise. */
function kernelsFor(...arrays: readonly Float32Array[]): VectorKernels {
  const [first] = arrays;
  const together = arrays.every(({ buffer, length }) => buffer === first!.buffer && length === first!.length);
  return (together ? byBuffer.get(first!.buffer) : undefined) ?? plainKernels;
}

/** The fastest kernels for wherever the arrays of a call lie. */
export const vectorKernels: VectorKernels = {
  adamw: (parameter, gradient, m, v, step) =>
    kernelsFor(parameter, gradient, m, v).adamw(parameter, gradient, m, v, step),
  lars: (parameter, gradient, buffer, step) =>
    kernelsFor(parameter, gradient, buffer).lars(parameter, gradient, buffer, step),
  accumulate: (into, from, scale) => kernelsFor(into, from).accumulate(into, from, scale),
  scale: (x, factor) => kernelsFor(x).scale(x, factor),
  sumOfSquares: (x) => kernelsFor(x).sumOfSquares(x),
  lerp: (into, from, weight) => kernelsFor(into, from).lerp(into, from, weight),
};
