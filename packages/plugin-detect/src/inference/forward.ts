import type { StepOptions, SteppedForward, TaskContext } from '@mae-tasks/core-mae/task';
import type { DetectFacts } from '../facts.js';
import { wholePictureTransforms } from '../transforms.js';
import { foundInSamples, type FoundObjects } from './found-objects.js';
import type { DetectPredictStep } from './predict-step.js';

/** Pictures in, for each the objects in it out. */
export function detectorForward(
  createPredictStep: (options: StepOptions) => Promise<DetectPredictStep>,
  { vit, statistics, facts }: Pick<TaskContext<unknown, DetectFacts>, 'vit' | 'statistics' | 'facts'>,
): SteppedForward<readonly FoundObjects[]> {
  return {
    // Without a handler objects stay as annotated, which is what scores are made from.
    transforms: wholePictureTransforms(vit, statistics),
    async createStep(options) {
      const step = await createPredictStep(options);
      return {
        run: async (parameters, samples) => foundInSamples(await step.run(parameters, samples), samples, facts),
        dispose: () => {
          step.dispose();
        },
      };
    },
  };
}
