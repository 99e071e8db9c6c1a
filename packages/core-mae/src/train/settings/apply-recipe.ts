import { nearestName } from '../../base/nearest-name.js';
import { MaeError } from '../../base/errors.js';
import { overlaySettings } from './overlay-settings.js';

type Tree = Readonly<Record<string, unknown>>;

/** The recipe of this name. @throws MaeError `CONFIG_INVALID` naming the nearest of those that there are */
export function recipeNamed<Recipe>(
  recipes: Readonly<Record<string, Recipe>>,
  name: string,
  { whose, others = [] }: { readonly whose: string; readonly others?: readonly string[] },
): Recipe {
  const recipe = Object.hasOwn(recipes, name) ? recipes[name] : undefined;
  if (recipe !== undefined) return recipe;
  const known = [...Object.keys(recipes), ...others];
  const nearest = nearestName(name, known);
  throw new MaeError('CONFIG_INVALID', {
    what: `${whose} has no recipe "${name}"`,
    fix: nearest === undefined ? `known are ${known.join(', ') || 'none'}` : `did you mean "${nearest}"?`,
  });
}

/** A recipe, what it was fitted to laid over it, and over both the given settings. */
export function applyRecipe(recipe: Tree, fitted: Tree, given: Tree): Tree {
  const merged = overlaySettings(overlaySettings(recipe, fitted), given);
  const optimizer = given.optimizer as { readonly blr?: unknown; readonly lr?: unknown } | undefined;
  // A rate of the recipe's own would override a base rate that somebody gave.
  if (optimizer?.blr === undefined || optimizer.lr !== undefined) return merged;
  return overlaySettings(merged, { optimizer: { lr: null } });
}
