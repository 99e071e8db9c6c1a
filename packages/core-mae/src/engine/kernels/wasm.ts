import { adamwScalars, larsTrust, type VectorKernels } from './vector-kernels.js';
import { plainKernels } from './plain.js';
import { instantiateWasm } from '../../base/wasm-module.js';
import { wasmBase64 } from './vector-kernels.wasm.js';

type Sums = [number, number, number, number];

/** The functions of `vector-kernels.wat`: byte offsets and the end of the first array, then scalars. */
interface Exports {
  readonly adamw: (...args: number[]) => void;
  readonly lars: (...args: number[]) => void;
  readonly accumulate: (x: number, y: number, end: number, scale: number) => void;
  readonly scale: (x: number, end: number, factor: number) => void;
  readonly lerp: (x: number, y: number, end: number, weight: number) => void;
  readonly squares: (x: number, end: number) => Sums;
  readonly decayedSquares: (x: number, y: number, end: number, decay: number) => Sums;
}

/**
 * The kernels over arrays that all lie in this memory, at offsets that are multiples of four bytes; undefined where this
 * machine cannot run them.
 */
export function wasmKernels(memory: WebAssembly.Memory): VectorKernels | undefined {
  const exports = instantiateWasm<Exports>(wasmBase64, { arena: { memory } });
  if (exports === undefined) return undefined;
  const sumOfSquares = (x: Floats): number => {
    const [start, end] = offsets([x]) as [number, number];
    return total(exports.squares(start, end), tails([x])[0]!);
  };
  return {
    adamw(parameter, gradient, m, v, step) {
      const { keep, gainM, decayV, gainV, rootScale, eps, stepSize } = adamwScalars(step);
      const arrays = [parameter, gradient, m, v];
      exports.adamw(...offsets(arrays), keep, gainM, decayV, gainV, rootScale, eps, stepSize);
      plainKernels.adamw(...(tails(arrays) as [Floats, Floats, Floats, Floats]), step);
    },

    lars(parameter, gradient, buffer, step) {
      const { lr, momentum, weightDecay, trustCoefficient } = step;
      let trust = 1;
      if (trustCoefficient !== undefined) {
        const [start, other, end] = offsets([gradient, parameter]) as [number, number, number];
        const sums = exports.decayedSquares(start, other, end, weightDecay);
        const [gradientTail, parameterTail] = tails([gradient, parameter]) as [Floats, Floats];
        const decay = Math.fround(weightDecay);
        const updateSquares = total(
          sums,
          gradientTail.map((value, i) => value + Math.fround(decay * parameterTail[i]!)),
        );
        trust = larsTrust(trustCoefficient, sumOfSquares(parameter), updateSquares);
      }
      const arrays = [parameter, gradient, buffer];
      exports.lars(...offsets(arrays), weightDecay, trust, momentum, lr);
      const [parameterTail, gradientTail, bufferTail] = tails(arrays) as [Floats, Floats, Floats];
      plainKernels.larsUpdate(parameterTail, gradientTail, bufferTail, { lr, momentum, weightDecay, trust });
    },

    accumulate(into, from, scale) {
      const [x, y, end] = offsets([into, from]) as [number, number, number];
      exports.accumulate(x, y, end, scale);
      const [intoTail, fromTail] = tails([into, from]) as [Floats, Floats];
      plainKernels.accumulate(intoTail, fromTail, scale);
    },

    scale(x, factor) {
      const [start, end] = offsets([x]) as [number, number];
      exports.scale(start, end, factor);
      plainKernels.scale(tails([x])[0]!, factor);
    },

    sumOfSquares,

    lerp(into, from, weight) {
      const [x, y, end] = offsets([into, from]) as [number, number, number];
      exports.lerp(x, y, end, weight);
      const [intoTail, fromTail] = tails([into, from]) as [Floats, Floats];
      plainKernels.lerp(intoTail, fromTail, weight);
    },
  };
}

type Floats = Float32Array;

/** Where each array starts, then where the whole vectors of the first one end; as signed 32-bit numbers. */
function offsets(arrays: readonly Floats[]): number[] {
  const [first] = arrays;
  const end = first!.byteOffset + (first!.length - (first!.length % 4)) * 4;
  return [...arrays.map(({ byteOffset }) => byteOffset | 0), end | 0];
}

/** The up to three elements after the last whole vector. */
function tails(arrays: readonly Floats[]): Floats[] {
  return arrays.map((array) => array.subarray(array.length - (array.length % 4)));
}

function total([a, b, c, d]: Sums, tail: Floats): number {
  return tail.reduce((sum, value) => sum + value * value, a) + b + (c + d);
}
