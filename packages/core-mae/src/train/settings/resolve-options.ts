import type { DataMeasures } from '../../contracts/dataset.js';

/** What is known when a configuration is completed, and who is told of it. */
export interface ResolveOptions<Config> {
  /** The training pictures in numbers, where there are some yet; asked for once. */
  readonly measure?: ((config: Config) => Promise<DataMeasures>) | undefined;
  /** Called with the recipe and, where it is fitted, what it was fitted to. */
  readonly reportRecipe?: ((recipe: ChosenRecipe) => void) | undefined;
  /** Called with what had to be guessed of a checkpoint. */
  readonly reportWarning?: ((message: string) => void) | undefined;
}

export interface ChosenRecipe {
  readonly name: string;
  /** What its settings were chosen by; undefined for a recipe that is always the same. */
  readonly because: string | undefined;
}
