import { describe, expect, it } from 'vitest';
import { plainKernels } from '#core/engine/kernels/plain.js';
import { createRandom } from '#core/nn/random.js';

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
