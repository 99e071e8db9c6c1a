import { checkSettings } from '../../base/check-settings.js';
import { fixedModelDimensions, resolveModel } from '../settings/model-settings.js';
import { applyRecipe, recipeNamed } from '../settings/apply-recipe.js';
import { type PretrainConfig, pretrainConfig } from '../settings/pretrain-config.js';
import type { ResolveOptions } from '../settings/resolve-options.js';
import { defaultPretrainRecipe, type PretrainRecipeContext, pretrainRecipes } from './recipes.js';

/**
 * The complete configuration of a pretraining: the defaults, replaced by a recipe that is fitted to the data, replaced by
 * the given settings.
 *
 * @param given settings from a file and flags, as plain data
 * @param where what to call them in messages
 * @throws MaeError `CONFIG_INVALID`
 */
export async function resolvePretrainConfig(
  given: Readonly<Record<string, unknown>>,
  where?: string,
  { measure, reportRecipe }: ResolveOptions<PretrainConfig> = {},
): Promise<PretrainConfig> {
  const first = checkSettings(pretrainConfig, given, where);
  const context: PretrainRecipeContext = {
    model: resolveModel(first.model),
    fixed: fixedModelDimensions(first.model),
    data: await measure?.(first),
  };
  const name = first.recipe ?? defaultPretrainRecipe(context);
  const recipe = recipeNamed(pretrainRecipes, name, { whose: 'pretraining' });
  const fitted = recipe.fit?.(context);
  reportRecipe?.({ name, because: fitted?.because });
  // `model: small` is short for `model: { preset: small }`, which a recipe's dimensions are laid below.
  const spelled = typeof given.model === 'string' ? { ...given, model: { preset: given.model } } : given;
  const config = checkSettings(
    pretrainConfig,
    applyRecipe(recipe.settings, fitted?.settings ?? {}, spelled),
    `recipe ${name} and ${where ?? 'settings'}`,
  );
  return { ...config, recipe: name };
}
