import { adamwScalars, larsTrust, type VectorKernels } from './vector-kernels.js';

const round = Math.fround;

/** A LARS step whose factor of trust is known. */
export interface LarsUpdate {
  readonly lr: number;
  readonly momentum: number;
  readonly weightDecay: number;
  readonly trust: number;
}

/** The kernels, and the second half of LARS on its own. */
export interface PlainKernels extends VectorKernels {
  larsUpdate(parameter: Float32Array, gradient: Float32Array, buffer: Float32Array, step: LarsUpdate): void;
}

/** The kernels in plain TypeScript: for arrays outside WebAssembly memory, and to check the others against. */
export const plainKernels: PlainKernels = {
  adamw(parameter, gradient, m, v, step) {
    const exact = adamwScalars(step);
    const [keep, gainM, decayV, gainV] = [exact.keep, exact.gainM, exact.decayV, exact.gainV].map(round) as Four;
    const [rootScale, eps, stepSize] = [exact.rootScale, exact.eps, exact.stepSize].map(round) as Three;
    for (let i = 0; i < parameter.length; i++) {
      const g = gradient[i]!;
      const mean = round(m[i]! + round(gainM * round(g - m[i]!)));
      const square = round(round(decayV * v[i]!) + round(gainV * round(g * g)));
      m[i] = mean;
      v[i] = square;
      const root = round(round(round(Math.sqrt(square)) * rootScale) + eps);
      parameter[i] = round(round(parameter[i]! * keep) - round(round(stepSize * mean) / root));
    }
  },

  lars(parameter, gradient, buffer, { lr, momentum, weightDecay, trustCoefficient }) {
    const decay = round(weightDecay);
    let trust = 1;
    if (trustCoefficient !== undefined) {
      const updateSquares = sumOfSquares(parameter.length, (i) => round(gradient[i]! + round(decay * parameter[i]!)));
      trust = larsTrust(trustCoefficient, plainKernels.sumOfSquares(parameter), updateSquares);
    }
    plainKernels.larsUpdate(parameter, gradient, buffer, { lr, momentum, weightDecay, trust });
  },

  larsUpdate(parameter, gradient, buffer, step) {
    const [decay, factor] = [step.weightDecay, step.trust].map(round) as Two;
    const [keep, rate] = [step.momentum, step.lr].map(round) as Two;
    for (let i = 0; i < parameter.length; i++) {
      const update = round(round(gradient[i]! + round(decay * parameter[i]!)) * factor);
      const moved = round(round(keep * buffer[i]!) + update);
      buffer[i] = moved;
      parameter[i] = round(parameter[i]! - round(rate * moved));
    }
  },

  accumulate(into, from, scale) {
    const factor = round(scale);
    for (let i = 0; i < into.length; i++) into[i] = round(into[i]! + round(factor * from[i]!));
  },

  scale(x, factor) {
    const rounded = round(factor);
    for (let i = 0; i < x.length; i++) x[i] = x[i]! * rounded;
  },

  sumOfSquares: (x) => sumOfSquares(x.length, (i) => x[i]!),

  lerp(into, from, weight) {
    const factor = round(weight);
    for (let i = 0; i < into.length; i++) into[i] = round(into[i]! + round(factor * round(from[i]! - into[i]!)));
  },
};

type Two = [number, number];
type Three = [number, number, number];
type Four = [number, number, number, number];

/** Four running sums, as a vector unit keeps them, so that every implementation adds in the same order. */
function sumOfSquares(length: number, at: (index: number) => number): number {
  const sums = new Float64Array(4);
  const whole = length - (length % 4);
  for (let i = 0; i < length; i++) {
    const value = at(i);
    const lane = i < whole ? i & 3 : 0;
    sums[lane] = sums[lane]! + value * value;
  }
  return sums[0]! + sums[1]! + (sums[2]! + sums[3]!);
}
