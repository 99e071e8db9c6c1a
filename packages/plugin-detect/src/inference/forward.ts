import type { SteppedForward, TaskContext } from '@mae-tasks/core-mae/task';
import type { DetectFacts } from '../facts.js';
import type { DetectorConfig } from '../network/detector-config.js';
import { wholePictureTransforms } from '../transforms.js';
import { foundInSamples, type FoundObjects } from './found-objects.js';
import { createDetectPredictStep } from './predict-step.js';

/** Pictures in, for each the objects in it out. */
export function detectorForward(
  config: DetectorConfig,
  { vit, statistics, facts }: Pick<TaskContext<unknown, DetectFacts>, 'vit' | 'statistics' | 'facts'>,
): SteppedForward<readonly FoundObjects[]> {
  return {
    // Without a handler objects stay as annotated, which is what scores are made from.
    transforms: wholePictureTransforms(vit, statistics),
    async createStep(options) {
      const step = await createDetectPredictStep(config, options);
      return {
        run: async (parameters, samples) => foundInSamples(await step.run(parameters, samples), samples, facts),
        dispose: () => {
          step.dispose();
        },
      };
    },
  };
}
