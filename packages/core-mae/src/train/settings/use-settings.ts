import { z } from 'zod';
import { type ReadingSettings, readingSettings } from './data-settings.js';
import { encoderSettings } from './encoder-settings.js';
import { modelSettings } from './model-settings.js';

/** Names of a list of modules begin with a number ("0."), which a command line reads as one. */
const numberedPrefix = z.int().min(0).transform(String);

/** How weights are read that training or another command starts from. */
export const openingSettings = z.strictObject({
  /**
   * Which of several encoders in the file: what its names begin with ("teacher.backbone."). Default: the only one that there
   * is.
   */
  prefix: z.union([z.string(), numberedPrefix]).nullable().default(null),
});

/** What `embed` lets one say of weights: their dimensions where the files do not tell them, and how pictures are read. */
export const embedSettings = z.strictObject({
  model: encoderSettings.prefault({}),
  data: readingSettings.prefault({}),
  checkpoint: openingSettings.prefault({}),
});

/** What `visualize` lets one say of weights. */
export const visualizeSettings = z.strictObject({
  model: modelSettings.prefault({}),
  data: readingSettings.prefault({}),
  checkpoint: openingSettings.prefault({}),
});

/** What `embed` and `loadMae` let one say of weights, as plain data: their dimensions, how pictures are read, which encoder. */
export interface CheckpointSettings {
  readonly model?: Readonly<Record<string, unknown>>;
  readonly data?: Readonly<Record<string, unknown>>;
  readonly checkpoint?: Readonly<Record<string, unknown>>;
}

/** How pictures are read: as `below` says, but for what was given. */
export function overlayReading<Below extends Partial<ReadingSettings>>(
  below: Below,
  checked: ReadingSettings,
  given: Readonly<Record<string, unknown>> = {},
): Below {
  const named = Object.entries(checked).filter(([key]) => key in given);
  return { ...below, ...Object.fromEntries(named) };
}
