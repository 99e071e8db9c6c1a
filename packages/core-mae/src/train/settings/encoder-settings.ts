import { z } from 'zod';
import type { VitConfig } from '../../contracts/backbone.js';
import { PRESET_NAMES, presets } from '../../models/presets.js';

const dimension = z.int().positive();

/** The encoder of a task: the checkpoint's, or a preset's, with some of its dimensions replaced. */
export const encoderSettings = z.preprocess(
  (value) => (typeof value === 'string' ? { preset: value } : value),
  z.strictObject({
    /** The name of a backbone, the core's or a plugin's. */
    backbone: z.string().default('vit'),
    /** Default: the dimensions of the checkpoint. */
    preset: z
      .enum(PRESET_NAMES as [keyof typeof presets])
      .nullable()
      .default(null),
    /** One side of a square, or `[height, width]`; positions are interpolated where it is not the checkpoint's. */
    imageSize: z.union([dimension, z.tuple([dimension, dimension])]).optional(),
    patchSize: dimension.optional(),
    inChannels: dimension.optional(),
    embedDim: dimension.optional(),
    depth: dimension.optional(),
    numHeads: dimension.optional(),
    mlpRatio: z.number().positive().optional(),
    /** Added to the variance in the encoder's layer norms. Default: the checkpoint's, or 1e-6. */
    layerNormEps: z.number().positive().optional(),
  }),
);

export type EncoderSettings = z.output<typeof encoderSettings>;

/** The dimensions that the settings describe. @param pretrained those of the checkpoint, if there is one */
export function resolveEncoder(settings: EncoderSettings, pretrained?: VitConfig): VitConfig {
  const { preset, imageSize } = settings;
  const base = preset === null ? (pretrained ?? presets.tiny) : presets[preset];
  const layerNormEps = settings.layerNormEps ?? pretrained?.layerNormEps;
  const size = imageSize ?? pretrained?.imageSize ?? base.imageSize;
  return {
    imageSize: typeof size === 'number' ? [size, size] : size,
    patchSize: settings.patchSize ?? base.patchSize,
    inChannels: settings.inChannels ?? base.inChannels,
    embedDim: settings.embedDim ?? base.embedDim,
    depth: settings.depth ?? base.depth,
    numHeads: settings.numHeads ?? base.numHeads,
    mlpRatio: settings.mlpRatio ?? base.mlpRatio,
    ...(layerNormEps === undefined ? {} : { layerNormEps }),
  };
}

/**
 * The dimensions that a recipe has to leave as they are: those that the settings name, a preset's or a checkpoint's
 * width and depth, and a checkpoint's patches. The size of the pictures may change with the data.
 */
export function fixedDimensions(settings: EncoderSettings, pretrained?: VitConfig): Partial<VitConfig> {
  const { patchSize, inChannels, imageSize } = settings;
  const isSized = settings.preset !== null || pretrained !== undefined;
  const { embedDim, depth, numHeads, mlpRatio, ...rest } = resolveEncoder(settings, pretrained);
  const named = { embedDim, depth, numHeads, mlpRatio };
  return {
    ...(isSized ? named : namedOf(settings)),
    ...(patchSize === undefined && pretrained === undefined ? {} : { patchSize: rest.patchSize }),
    ...(inChannels === undefined && pretrained === undefined ? {} : { inChannels: rest.inChannels }),
    ...(imageSize === undefined ? {} : { imageSize: rest.imageSize }),
  };
}

function namedOf({ embedDim, depth, numHeads, mlpRatio }: EncoderSettings): Partial<VitConfig> {
  return Object.fromEntries(
    Object.entries({ embedDim, depth, numHeads, mlpRatio }).filter(([, value]) => value !== undefined),
  );
}
