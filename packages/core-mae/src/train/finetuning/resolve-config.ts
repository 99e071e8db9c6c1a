import type { Recipe, RecipeContext, Task } from '../../contracts/task.js';
import { MaeError } from '../../base/errors.js';
import { checkSettings } from '../../base/check-settings.js';
import { openWeights } from '../../checkpoint/open-weights.js';
import { describeEncoder } from '../inputs/pretrained-encoder.js';
import { fixedDimensions, resolveEncoder } from '../settings/encoder-settings.js';
import { type FinetuneConfig, finetuneConfig, taskSettingsOf } from '../settings/finetune-config.js';
import { applyRecipe, recipeNamed } from '../settings/apply-recipe.js';
import type { ResolveOptions } from '../settings/resolve-options.js';

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
  { measure, reportRecipe, reportWarning }: ResolveOptions<FinetuneConfig> = {},
): Promise<FinetuneConfig> {
  const schema = finetuneConfig(task);
  const named = { ...given, task: task.name };
  const first = checkSettings(schema, named, where);
  requireMode(task, first);
  const weights = first.pretrained === null ? undefined : await openWeights(first.pretrained, first.checkpoint);
  const pretrained = weights && describeEncoder(weights, first.model);
  for (const warning of pretrained?.warnings ?? []) reportWarning?.(warning);
  const context: RecipeContext = {
    mode: first.mode,
    vit: resolveEncoder(first.model, pretrained?.vit),
    fixed: fixedDimensions(first.model, pretrained?.vit),
    pretrained: weights && [...weights.shapes.keys()],
    settings: taskSettingsOf(first, task),
    data: await measure?.(first),
  };
  const recipe = chooseRecipe(task, first.recipe, context);
  const fitted = recipe?.fit?.(context);
  if (recipe !== undefined) reportRecipe?.({ name: recipe.name, because: fitted?.because });
  const merged = applyRecipe(recipe?.settings ?? {}, fitted?.settings ?? {}, named);
  const config = checkSettings(
    schema,
    merged,
    recipe === undefined ? where : `recipe ${recipe.name} and ${where ?? 'settings'}`,
  );
  const { mean, std } = config.data;
  const { backbone, preset } = config.model;
  return {
    ...config,
    recipe: recipe?.name ?? null,
    // Once more: a recipe may set the size of the pictures.
    model: { backbone, preset, ...mutable(resolveEncoder(config.model, pretrained?.vit)) },
    data: {
      ...config.data,
      mean: mean ?? pretrained?.reading.mean ?? null,
      std: std ?? pretrained?.reading.std ?? null,
    },
  };
}

/** What `--recipe` calls the published settings of the nearest size, whatever their name. */
const OFFICIAL = 'official';

function chooseRecipe(
  task: Task,
  asked: string | null,
  context: RecipeContext,
): (Recipe & { readonly name: string }) | undefined {
  const recipes = task.recipes ?? {};
  const name =
    asked === OFFICIAL && task.officialRecipe !== undefined
      ? task.officialRecipe(context)
      : (asked ?? task.defaultRecipe?.(context));
  if (name === undefined) return undefined;
  const others = task.officialRecipe === undefined ? [] : [OFFICIAL];
  return { ...recipeNamed(recipes, name, { whose: `the task "${task.name}"`, others }), name };
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
