import { z } from 'zod';
import { dataSettings } from './data-settings.js';
import { pretrainSettings } from './pretrain-settings.js';
import { runSettings } from './run-settings.js';

/** The whole configuration of `mae-tasks pretrain`, as it stands in a run's config.yaml. */
export const pretrainConfig = z.strictObject({ data: dataSettings, ...pretrainSettings.shape, ...runSettings.shape });

export type PretrainConfig = z.output<typeof pretrainConfig>;
