import { checkSettings } from '../../base/check-settings.js';
import type { DataMeasures } from '../../contracts/dataset.js';
import { MaeError } from '../../base/errors.js';
import { nearestName } from '../../base/check-settings.js';
import { fixedModelDimensions, resolveModel } from '../settings/model-settings.js';
import { overlaySettings } from '../settings/overlay-settings.js';
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
  const data: DataMeasures | undefined = await measure?.(first);
  const context: PretrainRecipeContext = {
    model: resolveModel(first.model),
    fixed: fixedModelDimensions(first.model),
    data,
  };
  const name = first.recipe ?? defaultPretrainRecipe(context);
  const recipe = recipeNamed(name);
  const fitted = recipe.fit?.(context);
  reportRecipe?.({ name, because: fitted?.because });
  const settings = overlaySettings(recipe.settings, fitted?.settings ?? {});
  // `model: small` is short for `model: { preset: small }`, which a recipe's dimensions are laid below.
  const spelled = typeof given.model === 'string' ? { ...given, model: { preset: given.model } } : given;
  const config = checkSettings(
    pretrainConfig,
    overlaySettings(settings, spelled),
    `recipe ${name} and ${where ?? 'settings'}`,
  );
  return { ...config, recipe: name };
}

function recipeNamed(name: string) {
  const recipe = Object.hasOwn(pretrainRecipes, name) ? pretrainRecipes[name] : undefined;
  if (recipe !== undefined) return recipe;
  const known = Object.keys(pretrainRecipes);
  const nearest = nearestName(name, known);
  throw new MaeError('CONFIG_INVALID', {
    what: `pretraining has no recipe "${name}"`,
    fix: nearest === undefined ? `known are ${known.join(', ')}` : `did you mean "${nearest}"?`,
  });
}
