import { z } from 'zod';
import { rangeSetting } from '../../base/setting-values.js';
import { defaultMaskOptions } from '../../models/mae-config.js';
import { MASK_STRATEGIES } from '../../models/masking.js';
import { modelSettings } from './model-settings.js';
import { optimizerSettings } from './optimizer-settings.js';

/** What pretraining does, apart from where its data lies. Names and defaults are the official main_pretrain.py's. */
export const pretrainSettings = z.strictObject({
  model: modelSettings.prefault({}),
  /** Share of the patches that is removed. */
  maskRatio: z.number().min(0).lt(1).default(defaultMaskOptions.maskRatio),
  maskStrategy: z.enum(MASK_STRATEGIES).default(defaultMaskOptions.maskStrategy),
  /** Whether the target's patches are normalised (the official recipe, PRETRAIN.md, sets `--norm_pix_loss`). */
  normPixLoss: z.boolean().default(defaultMaskOptions.normPixLoss),
  lossPatches: z.enum(['removed', 'all']).default(defaultMaskOptions.lossPatches),
  encodeMaskTokens: z.boolean().default(defaultMaskOptions.encodeMaskTokens),
  /**
   * How attention begins: as the official code has it, or with keys equal to the queries, so that tokens look at those
   * that are like them and near them from the first step on, and the patches' mean is left sooner (after Trockman and
   * Kolter 2023, "Mimetic Initialization of Self-Attention Layers").
   */
  attentionInit: z.enum(['xavier', 'tied']).default('xavier'),
  epochs: z.int().positive().default(400),
  /** Pictures in one forward pass; a smaller data set gives a smaller batch. */
  batchSize: z.int().positive().default(64),
  /** Batches whose gradients are summed before the parameters change. */
  accumIter: z.int().positive().default(1),
  optimizer: optimizerSettings.prefault({}),
  augmentation: z
    .strictObject({
      /** RandomResizedCrop's share of the picture's area. */
      cropScale: rangeSetting.default([0.2, 1]),
      cropRatio: rangeSetting.default([3 / 4, 4 / 3]),
      /** Probability of a horizontal flip. */
      flip: z.number().min(0).max(1).default(0.5),
    })
    .prefault({}),
  seed: z.int().min(0).default(0),
});

export type PretrainSettings = z.output<typeof pretrainSettings>;
export type PretrainSettingsInput = z.input<typeof pretrainSettings>;
