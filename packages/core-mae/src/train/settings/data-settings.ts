import { z } from 'zod';
import { MaeError } from '../../base/errors.js';
import type { PixelStatistics } from '../../contracts/dataset.js';
import { DEFAULT_MAX_PIXELS, type DecodeOptions } from '../../data/images/image.js';
import { IMAGENET_MEAN, IMAGENET_STD } from '../../data/transforms/picture-transforms.js';
import { layoutSettings } from './layout-settings.js';

const colorValue = z.int().min(0).max(255);

/** How pictures are read. */
export const readingSettings = z.strictObject({
  /** Per channel, in units of 0–1; by default ImageNet's for three channels. */
  mean: z.array(z.number()).nullable().default(null),
  std: z.array(z.number().positive()).nullable().default(null),
  /** Threads that decode pictures; 0 decodes between steps. Default: half the processors. */
  workers: z.int().min(0).nullable().default(null),
  /** What a broken picture does: it is passed over and reported, or ends the run. */
  onBadImage: z.enum(['skip', 'fail']).default('skip'),
  /** Broken pictures that are passed over before the run ends. Default: 10, or 1 % of the pictures if that is more. */
  maxBadImages: z.int().min(0).nullable().default(null),
  /** Pixels above which a picture earns a warning; above twice that it counts as broken. */
  maxPixels: z.int().positive().default(DEFAULT_MAX_PIXELS),
  /** Whether pictures are turned as their EXIF orientation says. */
  orient: z.boolean().default(true),
  /** The transform that JPEGs are decoded by: `fast` is not Pillow's to the last level, and needs `@julusian/jpeg-turbo`. */
  jpegDct: z.enum(['accurate', 'fast']).default('accurate'),
  /**
   * The values that are black and white, of PNG and TIFF files of more than 8 bits, signed or floating-point: `[0, 4095]`
   * for 12 bits. Default: what each file says of itself, else all of 16 bits, and 0 to 1 for floating-point values there.
   */
  valueRange: z
    .tuple([z.number(), z.number()])
    .refine(([low, high]) => low < high, 'the first value must be below the second')
    .nullable()
    .default(null),
  /** What transparent pictures are laid on. */
  background: z.tuple([colorValue, colorValue, colorValue]).default([255, 255, 255]),
});

/** How a check or a sheet of a data set reads its files and pictures. */
export const lookSettings = z.strictObject({
  data: z.strictObject({
    ...layoutSettings.shape,
    ...readingSettings.pick({ maxBadImages: true, maxPixels: true, orient: true, valueRange: true, background: true })
      .shape,
  }),
});

/** Where pictures come from and how they are read; the same for every command. */
export const dataSettings = z.strictObject({
  /** A folder or file of pictures. */
  path: z.string().min(1),
  /** A reader's name (`folder`, `idx`, …), or `auto` to tell by the files. */
  format: z.string().default('auto'),
  /** The split to train on. Default `train` where the data has splits. */
  split: z.string().min(1).nullable().default(null),
  /** A separate folder of held-out pictures. Default: the data's own `val` split, if it has one. */
  val: z.string().nullable().default(null),
  /** Share of the pictures to hold out where there is no other held-out data. */
  valFraction: z.number().min(0).lt(1).default(0),
  /** Parts for cross-validation, where there is no other held-out data: one of them is held out. */
  folds: z.int().min(2).nullable().default(null),
  /** Which of the `folds` is held out, counted from 0. */
  fold: z.int().min(0).nullable().default(null),
  /** Uses at most this many pictures of each split, chosen by the seed. */
  limit: z.int().positive().nullable().default(null),
  /** Trains on at most this many pictures of each class, chosen by the seed; held-out data stays whole. */
  limitPerClass: z.int().positive().nullable().default(null),
  ...layoutSettings.shape,
  ...readingSettings.shape,
});

export type ReadingSettings = z.output<typeof readingSettings>;
export type DataSettings = z.output<typeof dataSettings>;

/** The settings as the decoder takes them. */
export function decodeOptionsOf(
  {
    maxPixels,
    orient,
    jpegDct,
    valueRange,
    background,
  }: Pick<ReadingSettings, 'maxPixels' | 'orient' | 'jpegDct' | 'valueRange' | 'background'>,
  channels: number,
): DecodeOptions {
  return { channels, maxPixels, orient, jpegDct, valueRange, background };
}

/** The settings' constants of normalisation, or the defaults for this number of channels. */
export function statisticsOf({ mean, std }: Pick<ReadingSettings, 'mean' | 'std'>, channels: number): PixelStatistics {
  const defaults = defaultStatistics(channels);
  return { mean: mean ?? defaults.mean, std: std ?? defaults.std };
}

/** ImageNet's mean and deviation for three channels; a mid-grey of 0.5 ± 0.5 for any other number. */
function defaultStatistics(channels: number): PixelStatistics {
  if (channels === 3) return { mean: IMAGENET_MEAN, std: IMAGENET_STD };
  return { mean: new Array<number>(channels).fill(0.5), std: new Array<number>(channels).fill(0.5) };
}

/** As {@link statisticsOf}. @throws MaeError `CONFIG_INVALID` where there is not one value for each channel */
export function requireStatistics(reading: Pick<ReadingSettings, 'mean' | 'std'>, channels: number): PixelStatistics {
  const statistics = statisticsOf(reading, channels);
  const { mean, std } = statistics;
  if (mean.length === channels && std.length === channels) return statistics;
  throw new MaeError('CONFIG_INVALID', {
    what: `\`data.mean\` has ${mean.length} and \`data.std\` ${std.length} values for ${channels} channels`,
    fix: 'give one value for each of `model.inChannels`',
  });
}
