import { describe, expect, it } from 'vitest';
import { plainKernels } from '#core/engine/kernels/plain.js';
import { vectorKernels } from '#core/engine/kernels/select.js';
import { createParameterArena } from '#core/engine/parameter-arena.js';
import type { VectorKernels } from '#core/engine/kernels/vector-kernels.js';
import { createRandom } from '#core/base/random.js';

const random = createRandom(7);
const normal = (length: number, name: string): Float32Array => {
  const stream = random.fork(name);
  return Float32Array.from({ length }, () => stream.normal());
};

describe('the plain kernels', () => {
  it('take an AdamW step as PyTorch does', () => {
    // By hand in float64 from the formulas of torch.optim.AdamW.
    const parameter = normal(101, 'p');
    const gradient = normal(101, 'g');
    const m = normal(101, 'm');
    const v = normal(101, 'v').map((value) => value * value);
    const step = { lr: 1e-2, beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.05, step: 3 };
    const expected = Array.from(parameter, (p, i) => {
      const mean = step.beta1 * m[i]! + (1 - step.beta1) * gradient[i]!;
      const square = step.beta2 * v[i]! + (1 - step.beta2) * gradient[i]! ** 2;
      const corrected = mean / (1 - step.beta1 ** 3);
      const root = Math.sqrt(square) / Math.sqrt(1 - step.beta2 ** 3) + step.eps;
      return p - step.lr * step.weightDecay * p - (step.lr * corrected) / root;
    });
    plainKernels.adamw(parameter, gradient, m, v, step);
    expected.forEach((value, i) => expect(Math.abs(parameter[i]! - value)).toBeLessThan(1e-6));
  });

  it('take a LARS step, with and without trust', () => {
    const gradient = normal(33, 'g');
    for (const trustCoefficient of [0.001, undefined]) {
      const parameter = normal(33, 'p');
      const buffer = normal(33, 'b');
      const before = { parameter: parameter.slice(), buffer: buffer.slice() };
      plainKernels.lars(parameter, gradient, buffer, { lr: 0.1, momentum: 0.9, weightDecay: 0.01, trustCoefficient });
      const update = Array.from(gradient, (g, i) => g + 0.01 * before.parameter[i]!);
      const norm = (values: Iterable<number>): number => Math.hypot(...values);
      const trust = trustCoefficient === undefined ? 1 : (trustCoefficient * norm(before.parameter)) / norm(update);
      update.forEach((u, i) => {
        const moved = 0.9 * before.buffer[i]! + trust * u;
        expect(Math.abs(buffer[i]! - moved)).toBeLessThan(1e-6);
        expect(Math.abs(parameter[i]! - (before.parameter[i]! - 0.1 * moved))).toBeLessThan(1e-6);
      });
    }
  });

  it('leave a parameter of zeros unscaled by trust', () => {
    const parameter = new Float32Array(4);
    const step = { lr: 1, momentum: 0, weightDecay: 0, trustCoefficient: 0.001 };
    plainKernels.lars(parameter, Float32Array.of(1, 2, 3, 4), new Float32Array(4), step);
    expect([...parameter]).toEqual([-1, -2, -3, -4]);
  });

  it('accumulate, scale, average and measure', () => {
    const x = Float32Array.of(1, 2, 3, 4, 5);
    plainKernels.accumulate(x, Float32Array.of(1, 1, 1, 1, 1), 0.5);
    expect([...x]).toEqual([1.5, 2.5, 3.5, 4.5, 5.5]);
    plainKernels.scale(x, 2);
    expect([...x]).toEqual([3, 5, 7, 9, 11]);
    plainKernels.lerp(x, new Float32Array(5), 0.5);
    expect([...x]).toEqual([1.5, 2.5, 3.5, 4.5, 5.5]);
    expect(plainKernels.sumOfSquares(x)).toBe(71.25);
    expect(plainKernels.sumOfSquares(new Float32Array(100_000).fill(1e20))).toBeCloseTo(1e45, -40);
  });
});

describe('the WebAssembly kernels', () => {
  /** The same call on arrays in the arena and on the heap; all arrays after it. */
  function onBoth(length: number, call: (kernels: VectorKernels, arrays: Float32Array[]) => number | void) {
    const names = ['a', 'b', 'c', 'd'];
    const heap = names.map((name) => normal(length, name).map((value) => (name === 'd' ? value * value : value)));
    const allocate = createParameterArena();
    const arena = heap.map((values) => {
      const { data } = allocate({ x: [length] }).get('x')!;
      data.set(values);
      return data;
    });
    const results = [call(plainKernels, heap), call(vectorKernels, arena)];
    expect(Object.is(results[0], results[1])).toBe(true);
    arena.forEach((array, index) => expect(array, names[index]).toEqual(heap[index]));
    expect(arena.every(({ buffer }) => buffer === arena[0]!.buffer)).toBe(true);
  }
  const adamw = { lr: 3e-3, beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.05, step: 7 };
  const lars = { lr: 0.3, momentum: 0.9, weightDecay: 1e-4, trustCoefficient: 1e-3 };

  it.each([1, 3, 4, 5, 1000, 1003])('equal the plain ones to the last bit at length %i', (length) => {
    onBoth(length, (kernels, [p, g, m, v]) => {
      for (let step = 1; step < 4; step++) kernels.adamw(p!, g!, m!, v!, { ...adamw, step });
    });
    onBoth(length, (kernels, [p, g, b]) => kernels.lars(p!, g!, b!, lars));
    onBoth(length, (kernels, [p, g, b]) => kernels.lars(p!, g!, b!, { ...lars, trustCoefficient: undefined }));
    onBoth(length, (kernels, [x, y]) => kernels.accumulate(x!, y!, 0.3));
    onBoth(length, (kernels, [x]) => kernels.scale(x!, 1.7));
    onBoth(length, (kernels, [x, y]) => kernels.lerp(x!, y!, 0.001));
    onBoth(length, (kernels, [x]) => kernels.sumOfSquares(x!));
  });

  it('measure infinite values as infinite', () => {
    onBoth(8, (kernels, [x]) => {
      x![2] = Infinity;
      return kernels.sumOfSquares(x!);
    });
  });

  it('leave the neighbours of a view alone', () => {
    const { data } = createParameterArena()({ x: [16] }).get('x')!;
    data.fill(1);
    vectorKernels.scale(data.subarray(3, 10), 2);
    expect([...data]).toEqual([1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1]);
  });
});
