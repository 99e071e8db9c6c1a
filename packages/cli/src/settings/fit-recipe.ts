import type { DataReader } from '@mae-tasks/core-mae/task';
import type {
  ChosenRecipe,
  FinetuneConfig,
  OpenDataOptions,
  OpenedPictures,
  PretrainConfig,
  ResolveOptions,
} from '@mae-tasks/core-mae/run';

/** How a configuration is completed with the data at hand, and what came of it. */
export interface RecipeFit {
  readonly options: ResolveOptions<FinetuneConfig | PretrainConfig>;
  /** When the pictures began to be opened, in milliseconds of `performance.now()`: it counts among a run's minutes. */
  openedAt: number | undefined;
  /** The pictures that were opened for it: training need not open them again. */
  pictures: OpenedPictures | undefined;
  recipe: ChosenRecipe | undefined;
}

/** Fits recipes to the pictures that the settings name, opened by these readers. */
export function fitRecipe(readers: readonly DataReader[], options: OpenDataOptions = {}): RecipeFit {
  const fit: RecipeFit = {
    openedAt: undefined,
    pictures: undefined,
    recipe: undefined,
    options: {
      measure: async ({ data, seed }) => {
        const { measureData, openTrainingData } = await import('@mae-tasks/core-mae/run');
        fit.openedAt = performance.now();
        fit.pictures = await openTrainingData(data, readers, seed, options);
        return measureData(fit.pictures.train);
      },
      reportRecipe: (chosen) => {
        fit.recipe = chosen;
      },
    },
  };
  return fit;
}
