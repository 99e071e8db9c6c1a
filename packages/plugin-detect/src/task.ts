import type { Task } from '@mae-tasks/core-mae/task';
import { type DetectFacts, examineObjects, requireSameObjects } from './facts.js';
import type { FoundObjects } from './inference/found-objects.js';
import { createDetector } from './model.js';
import { defaultDetectRecipe, detectRecipes, officialDetectRecipe } from './recipes.js';
import { type DetectSettings, detectSettings } from './settings.js';

/** Detection and instance segmentation: Mask R-CNN on a plain ViT (Li et al. 2022; detectron2's projects/ViTDet). */
export const detectTask: Task<DetectSettings, DetectFacts, readonly FoundObjects[]> = {
  name: 'detect',
  description: 'Find objects in pictures, with boxes and masks.',
  settings: detectSettings,
  flags: [
    {
      name: 'masks',
      description: 'whether pixels of objects are learned too (where they have masks)',
      setting: 'masks',
      choices: { on: true, off: false },
    },
  ],
  formats: ['coco'],
  modes: ['full', 'partial'],
  examine: examineObjects,
  requireFit: requireSameObjects,
  createModel: createDetector,
  recipes: detectRecipes,
  defaultRecipe: defaultDetectRecipe,
  officialRecipe: officialDetectRecipe,
};
