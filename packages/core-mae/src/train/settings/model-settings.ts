import { z } from 'zod';
import type { MaeConfig } from '../../models/mae-config.js';
import { PRESET_NAMES, type PresetName, presets } from '../../models/presets.js';

const dimension = z.int().positive();

/** A preset with some of its dimensions replaced. */
const modelDimensions = z.strictObject({
  /** Default: tiny, whose depth a recipe may change. */
  preset: z
    .enum(PRESET_NAMES as [keyof typeof presets])
    .nullable()
    .default(null),
  /** One side of a square, or `[height, width]`. */
  imageSize: z.union([dimension, z.tuple([dimension, dimension])]).optional(),
  patchSize: dimension.optional(),
  inChannels: dimension.optional(),
  embedDim: dimension.optional(),
  depth: dimension.optional(),
  numHeads: dimension.optional(),
  mlpRatio: z.number().positive().optional(),
  /** Added to the variance in the layer norms. Default 1e-6. */
  layerNormEps: z.number().positive().optional(),
  decoderEmbedDim: dimension.optional(),
  decoderDepth: z.int().min(0).optional(),
  decoderNumHeads: dimension.optional(),
});

/** A preset's name, or a preset with some of its dimensions replaced. */
export const modelSettings = z.preprocess(
  (value) => (typeof value === 'string' ? { preset: value } : value),
  modelDimensions,
);

export type ModelSettings = z.output<typeof modelDimensions>;
export type ModelSettingsInput = PresetName | z.input<typeof modelDimensions>;

/** The dimensions that the settings describe. @param stored those of a checkpoint, where no preset is named. Default: tiny */
export function resolveModel({ preset, imageSize, ...replaced }: ModelSettings, stored?: MaeConfig): MaeConfig {
  const given = Object.fromEntries(Object.entries(replaced).filter(([, value]) => value !== undefined));
  const config: MaeConfig = { ...(preset === null ? (stored ?? presets.tiny) : presets[preset]), ...given };
  if (imageSize === undefined) return config;
  return { ...config, imageSize: typeof imageSize === 'number' ? [imageSize, imageSize] : imageSize };
}

/** The dimensions that a recipe has to leave as they are: those that are named, and a named preset's width and depth. */
export function fixedModelDimensions(settings: ModelSettings): Partial<MaeConfig> {
  const { preset, imageSize: _, ...named } = settings;
  const given = Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined));
  const { imageSize, patchSize: __, inChannels: ___, ...sizes } = resolveModel(settings);
  return {
    ...(preset === null ? {} : sizes),
    ...given,
    ...(settings.imageSize === undefined ? {} : { imageSize }),
  };
}
