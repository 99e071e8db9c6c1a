import type { Random } from '@mae-tasks/core-mae/task';

/**
 * A number of the symmetric Beta distribution with this parameter, in [0, 1]. Which random numbers it takes is part of every
 * checkpoint's random stream: by another way to draw, a run that goes on would not end as it would have.
 */
export function drawBeta(alpha: number, random: Random): number {
  const [a, b] = [drawGamma(alpha, random), drawGamma(alpha, random)];
  return a + b === 0 ? 0.5 : a / (a + b);
}

/** A number of the Gamma distribution with this shape and scale 1 (Marsaglia and Tsang 2000). */
function drawGamma(shape: number, random: Random): number {
  // Below 1, Gamma(a) is Gamma(a + 1) · U^(1/a).
  if (shape < 1) return drawGamma(shape + 1, random) * (1 - random.uniform()) ** (1 / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = random.normal();
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - random.uniform()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
  }
}
