import type { Random, Sample } from '@mae-tasks/core-mae/task';
import { rotate, shearX, shearY, translateX, translateY } from './affine.js';
import {
  autoContrast,
  brightness,
  byteImageOf,
  color,
  contrast,
  equalize,
  invert,
  type PixelOperation,
  posterize,
  sharpness,
  solarize,
  solarizeAdd,
} from './pixel-operations.js';

/** RandAugment (Cubuk et al. 2020) as timm's `rand_augment_transform` configures it. */
export interface RandAugmentPolicy {
  /** 0 to 10. */
  readonly magnitude: number;
  /** Standard deviation of each operation's own magnitude. */
  readonly magnitudeStd: number;
  /** Operations in a row. */
  readonly layers: number;
  /** Probability that a chosen operation is applied. */
  readonly probability: number;
}

/**
 * The policy that a string such as `rand-m9-mstd0.5-inc1` describes: `m` magnitude, `mstd` its deviation, `n`
 * operations, `p` their probability. `inc1`, by which all operations grow with the magnitude, must be there.
 *
 * @throws RangeError naming the part that is not understood
 */
export function parseRandAugment(text: string): RandAugmentPolicy {
  const [first, ...parts] = text.split('-');
  if (first !== 'rand') throw new RangeError(`"${text}" does not begin with "rand"`);
  let policy: RandAugmentPolicy = { magnitude: 10, magnitudeStd: 0, layers: 2, probability: 0.5 };
  let increasing = false;
  for (const part of parts) {
    const [, key, digits] = /^(mstd|m|n|p|inc)(\d+(?:\.\d+)?)$/.exec(part) ?? [];
    const value = Number(digits);
    if (key === 'm' && value <= 10) policy = { ...policy, magnitude: value };
    else if (key === 'mstd') policy = { ...policy, magnitudeStd: value };
    else if (key === 'n' && Number.isInteger(value) && value > 0) policy = { ...policy, layers: value };
    else if (key === 'p' && value <= 1) policy = { ...policy, probability: value };
    else if (key === 'inc' && value === 1) increasing = true;
    else throw new RangeError(`"${part}" in "${text}" is not understood`);
  }
  if (!increasing) throw new RangeError(`"${text}" lacks "inc1": only increasing operations are provided`);
  return policy;
}

type Fill = readonly number[];
type Operation = (level: number, sign: number, fill: Fill) => PixelOperation;

/** Factors of the enhancing operations: 0.1 to 1.9 at full magnitude. */
const factorOf = (level: number, sign: number): number => 1 + sign * (level / 10) * 0.9;

/** timm's `_RAND_INCREASING_TRANSFORMS`, in its order. */
const OPERATIONS: readonly Operation[] = [
  () => autoContrast,
  () => equalize,
  () => invert,
  (level, sign, fill) => rotate(sign * level * 3, fill),
  (level) => posterize(4 - Math.trunc((level / 10) * 4)),
  (level) => solarize(256 - Math.trunc((level / 10) * 256)),
  (level) => solarizeAdd(Math.trunc((level / 10) * 110)),
  (level, sign) => color(factorOf(level, sign)),
  (level, sign) => contrast(factorOf(level, sign)),
  (level, sign) => brightness(factorOf(level, sign)),
  (level, sign) => sharpness(factorOf(level, sign)),
  (level, sign, fill) => shearX(sign * (level / 10) * 0.3, fill),
  (level, sign, fill) => shearY(sign * (level / 10) * 0.3, fill),
  (level, sign, fill) => translateX(sign * (level / 10) * 0.45, fill),
  (level, sign, fill) => translateY(sign * (level / 10) * 0.45, fill),
];

/**
 * A transform that applies randomly chosen operations. Runs in worker threads.
 *
 * @param options `policy`, a string; `fill`, the value of uncovered pixels by channel, 0–255
 */
export function randAugment(options: Readonly<Record<string, unknown>>): (sample: Sample, random: Random) => Sample {
  const policy = parseRandAugment(options.policy as string);
  const fill = options.fill as Fill;
  return (sample, random) => {
    let result = sample;
    for (let layer = 0; layer < policy.layers; layer++) {
      const operation = OPERATIONS[random.integer(OPERATIONS.length)]!;
      if (random.uniform() >= policy.probability) continue;
      const level = Math.min(10, Math.max(0, policy.magnitude + policy.magnitudeStd * random.normal()));
      const sign = random.uniform() < 0.5 ? -1 : 1;
      result = { ...result, pixels: operation(level, sign, fill)(byteImageOf(result)) };
    }
    return result;
  };
}
