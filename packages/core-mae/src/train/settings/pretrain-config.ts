import { z } from 'zod';
import { dataSettings } from './data-settings.js';
import { pretrainSettings } from './pretrain-settings.js';
import { runSettings } from './run-settings.js';

/** The whole configuration of `mae-tasks pretrain`, as it stands in a run's config.yaml. */
export const pretrainConfig = z.strictObject({
  /** The recipe that the settings started from. */
  recipe: z.string().nullable().default(null),
  data: dataSettings,
  ...pretrainSettings.shape,
  ...runSettings.shape,
});

export type PretrainConfig = z.output<typeof pretrainConfig>;
