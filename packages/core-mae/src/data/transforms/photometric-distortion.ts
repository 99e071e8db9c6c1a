import type { SampleTransform } from '../../contracts/transform.js';
import type { Random } from '../../contracts/random.js';
import { MaeError } from '../../base/errors.js';

export interface PhotometricDistortionOptions {
  /** Largest change of brightness, 0–255. Default 32. */
  readonly brightness?: number;
  /** Lowest and highest factor on contrast. Default [0.5, 1.5]. */
  readonly contrast?: readonly [number, number];
  /** Lowest and highest factor on saturation. Default [0.5, 1.5]. */
  readonly saturation?: readonly [number, number];
  /** Largest turn of the hue, in degrees. Default 36. */
  readonly hue?: number;
  /** Chance of each change. Default 0.5. */
  readonly probability?: number;
}

/**
 * Random brightness, contrast, saturation and hue of an RGB picture of 0–255, contrast before or after the others by
 * chance (Liu et al. 2016, "SSD", §2.2; defaults of mmdetection's `PhotoMetricDistortion`). Values are clipped.
 */
export function photometricDistortion(options: PhotometricDistortionOptions = {}): SampleTransform {
  const { brightness = 32, contrast = [0.5, 1.5], saturation = [0.5, 1.5], hue = 36, probability = 0.5 } = options;
  return (sample, random) => {
    if (sample.channels !== 3 || sample.pixels instanceof Float32Array) {
      throw new MaeError('CONFIG_INVALID', {
        what: 'colours can only be changed in an RGB picture of 0–255',
        where: 'transform photometricDistortion',
        fix: 'put it before `normalize`, and decode 3 channels',
      });
    }
    const happens = (): boolean => random.uniform() < probability;
    const shift = happens() ? between(random, [-brightness, brightness]) : 0;
    const contrastFirst = random.uniform() < 0.5;
    const contrastFactor = happens() ? between(random, contrast) : 1;
    const saturationFactor = happens() ? between(random, saturation) : 1;
    const turn = happens() ? between(random, [-hue, hue]) / 60 : 0;
    const before = levels((value) => (value + shift) * (contrastFirst ? contrastFactor : 1));
    const after = contrastFirst ? undefined : levels((value) => value * contrastFactor);
    return { ...sample, pixels: distort(sample.pixels, before, after, saturationFactor, turn) };
  };
}

function between(random: Random, [low, high]: readonly [number, number]): number {
  return low + (high - low) * random.uniform();
}

function levels(change: (value: number) => number): Float64Array {
  return Float64Array.from({ length: 256 }, (_, value) => Math.min(255, Math.max(0, change(value))));
}

/** @param turn of the hue, in sixths of the circle */
function distort(
  pixels: Uint8Array,
  before: Float64Array,
  after: Float64Array | undefined,
  saturation: number,
  turn: number,
): Uint8Array {
  const output = new Uint8ClampedArray(pixels.length);
  const color: [number, number, number] = [0, 0, 0];
  for (let at = 0; at < pixels.length; at += 3) {
    color[0] = before[pixels[at]!]!;
    color[1] = before[pixels[at + 1]!]!;
    color[2] = before[pixels[at + 2]!]!;
    if (saturation !== 1 || turn !== 0) changeHsv(color, saturation, turn);
    for (let channel = 0; channel < 3; channel++) {
      const value = color[channel]!;
      output[at + channel] = after === undefined ? value : after[Math.round(value)]!;
    }
  }
  return new Uint8Array(output.buffer);
}

/** Multiplies the saturation and turns the hue of an RGB colour of 0–255, in place; its largest channel stays. */
function changeHsv(color: [number, number, number], saturation: number, turn: number): void {
  const [red, green, blue] = color;
  const value = Math.max(red, green, blue);
  const range = value - Math.min(red, green, blue);
  if (range === 0) return;
  const sector =
    value === red ? (green - blue) / range : value === green ? 2 + (blue - red) / range : 4 + (red - green) / range;
  const hue = (sector + turn + 12) % 6;
  const newRange = Math.min(value, range * saturation);
  const channel = (offset: number): number => {
    const position = (offset + hue) % 6;
    return value - newRange * Math.max(0, Math.min(position, 4 - position, 1));
  };
  color[0] = channel(5);
  color[1] = channel(3);
  color[2] = channel(1);
}
