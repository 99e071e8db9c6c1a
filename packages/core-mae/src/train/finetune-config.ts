import { z } from 'zod';
import type { Task } from '../contracts/task.js';
import { MaeError } from '../errors.js';
import { checkSettings, nearestName } from './check-settings.js';
import { dataSettings } from './data-settings.js';
import { encoderSettings, resolveEncoder } from './encoder-settings.js';
import { finetuneSettings } from './finetune-settings.js';
import { overlaySettings } from './overlay-settings.js';
import { describeCheckpoint } from './pretrained-encoder.js';
import { runSettings } from './run-settings.js';

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

/**
 * The complete configuration of a fine-tuning: the defaults, replaced by a recipe, replaced by the given settings; the
 * encoder's dimensions and the normalisation are the checkpoint's where nothing is said.
 *
 * @param given settings from a file and flags, as plain data
 * @param where what to call them in messages
 * @throws MaeError `CONFIG_INVALID`, or `CHECKPOINT_INVALID` for a checkpoint that cannot be read
 */
export async function resolveFinetuneConfig(
  task: Task,
  given: Readonly<Record<string, unknown>>,
  where?: string,
): Promise<FinetuneConfig> {
  const schema = finetuneConfig(task);
  const named = { ...given, task: task.name };
  const first = checkSettings(schema, named, where);
  requireMode(task, first);
  const pretrained = first.pretrained === null ? undefined : await describeCheckpoint(first.pretrained);
  const vit = resolveEncoder(first.model, pretrained?.vit);
  const recipe = first.recipe ?? task.defaultRecipe?.(first.mode, vit) ?? null;
  const recipeSettings = recipe === null ? {} : recipeNamed(task, recipe).settings;
  const merged = overlaySettings(recipeSettings, named);
  const config = checkSettings(schema, merged, recipe === null ? where : `recipe ${recipe} and ${where ?? 'settings'}`);
  const { mean, std } = config.data;
  const { backbone, preset } = config.model;
  return {
    ...config,
    recipe,
    // Once more: a recipe may set the size of the pictures.
    model: { backbone, preset, ...mutable(resolveEncoder(config.model, pretrained?.vit)) },
    data: { ...config.data, mean: mean ?? pretrained?.mean ?? null, std: std ?? pretrained?.std ?? null },
  };
}

function recipeNamed(task: Task, name: string) {
  const recipes = task.recipes ?? {};
  const recipe = Object.hasOwn(recipes, name) ? recipes[name] : undefined;
  if (recipe !== undefined) return recipe;
  const known = Object.keys(recipes);
  const nearest = nearestName(name, known);
  throw new MaeError('CONFIG_INVALID', {
    what: `the task "${task.name}" has no recipe "${name}"`,
    fix: nearest === undefined ? `known are ${known.join(', ') || 'none'}` : `did you mean "${nearest}"?`,
  });
}

function requireMode(task: Task, { mode }: FinetuneConfig): void {
  const modes = task.modes ?? ['full', 'partial'];
  if (modes.includes(mode)) return;
  throw new MaeError('CONFIG_INVALID', {
    what: `the task "${task.name}" cannot be tuned by \`mode\` (=${mode})`,
    fix: `use one of ${modes.join(', ')}`,
  });
}

function mutable<Config extends { readonly imageSize: readonly [number, number] }>(config: Config) {
  return { ...config, imageSize: [...config.imageSize] as [number, number] };
}
