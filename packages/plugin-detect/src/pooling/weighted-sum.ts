import { instantiateWasm, type WasmMemory } from '@mae-tasks/core-mae/task';
import { wasmBase64 } from './roi-align-kernel.wasm.js';

/** Memory that vectors lie in, and sums of them. Places and lengths are counted in numbers. */
export interface Workspace {
  /** At least this many numbers; what was there may be lost. Call it before anything else of a task. */
  reserve(length: number): Float32Array;
  /**
   * Writes a weighted sum of `count` vectors: `out[i] = (keep ? out[i] : 0) + Σₖ weights[k] · input[k][i]`, rounded to
   * float32 after each product and sum.
   *
   * @param stride, weightStride from one vector, or weight, to the next
   */
  weightedSum(
    out: number,
    input: number,
    stride: number,
    weights: number,
    weightStride: number,
    count: number,
    length: number,
    keep: boolean,
  ): void;
}

/** The functions of roi-align-kernel.wat; all parameters are in bytes. */
interface Kernel {
  readonly memory: WasmMemory;
  weightedSum(
    out: number,
    input: number,
    stride: number,
    weights: number,
    weightStride: number,
    count: number,
    bytes: number,
    keep: number,
  ): void;
}

const PAGE_BYTES = 1 << 16;

/** Sums by WebAssembly SIMD; undefined where this machine cannot run it. Lengths must be multiples of 4. */
export function simdWorkspace(): Workspace | undefined {
  const kernel = instantiateWasm<Kernel>(wasmBase64);
  if (kernel === undefined) return undefined;
  const { memory } = kernel;
  return {
    reserve(length) {
      const missing = 4 * length - memory.buffer.byteLength;
      if (missing > 0) memory.grow(Math.ceil(missing / PAGE_BYTES));
      return new Float32Array(memory.buffer);
    },
    weightedSum(out, input, stride, weights, weightStride, count, length, keep) {
      kernel.weightedSum(
        4 * out,
        4 * input,
        4 * stride,
        4 * weights,
        4 * weightStride,
        count,
        4 * length,
        keep ? 1 : 0,
      );
    },
  };
}

/** Sums in plain TypeScript, to the last bit the same. */
export function plainWorkspace(): Workspace {
  const round = Math.fround;
  let memory = new Float32Array(0);
  return {
    reserve(length) {
      if (length > memory.length) memory = new Float32Array(length);
      return memory;
    },
    weightedSum(out, input, stride, weights, weightStride, count, length, keep) {
      if (!keep) memory.fill(0, out, out + length);
      for (let k = 0; k < count; k++) {
        const weight = memory[weights + k * weightStride]!;
        const from = input + k * stride;
        for (let i = 0; i < length; i++) {
          memory[out + i] = memory[out + i]! + round(weight * memory[from + i]!);
        }
      }
    },
  };
}
