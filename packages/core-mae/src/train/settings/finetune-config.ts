import { z } from 'zod';
import type { Task } from '../../contracts/task.js';
import { dataSettings } from './data-settings.js';
import { encoderSettings } from './encoder-settings.js';
import { finetuneSettings } from './finetune-settings.js';
import { openingSettings } from './use-settings.js';
import { runSettings, savingSettings } from './run-settings.js';

const commonConfig = z.strictObject({
  /** The task's name; its own settings stand under that name. */
  task: z.string(),
  /** A file or run to start from. Default: random weights. */
  pretrained: z.string().nullable().default(null),
  /** The recipe that the settings started from. */
  recipe: z.string().nullable().default(null),
  data: dataSettings,
  model: encoderSettings.prefault({}),
  ...finetuneSettings.shape,
  ...runSettings.shape,
  checkpoint: z.strictObject({ ...savingSettings.shape, ...openingSettings.shape }).prefault({}),
});

/** The whole configuration of `mae-tasks finetune`; the task's own settings stand under its name. */
export type FinetuneConfig = z.output<typeof commonConfig> & Readonly<Record<string, unknown>>;

/** The schema of a task's fine-tuning. */
export function finetuneConfig(task: Task): z.ZodType<FinetuneConfig> {
  const own = task.settings.prefault({});
  const schema = z.strictObject({ ...commonConfig.shape, task: z.literal(task.name), [task.name]: own });
  return schema;
}

/** The settings of the task itself in its configuration. */
export function taskSettingsOf(config: FinetuneConfig, task: Task): unknown {
  return config[task.name];
}
