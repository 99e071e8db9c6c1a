import type { LabelMap, Task } from '@mae-tasks/core-mae/task';
import { examineSegmentation, requireSameClasses, type SegmentFacts } from './facts.js';
import { createSegmenter } from './model.js';
import { defaultSegmentRecipe, segmentRecipes } from './recipes.js';
import { type SegmentSettings, segmentSettings } from './settings.js';

/** Semantic segmentation: a class for every pixel (He et al. 2022, §4.2 and Table 5, ADE20K). */
export const segmentTask: Task<SegmentSettings, SegmentFacts, readonly LabelMap[]> = {
  name: 'segment',
  description: 'Tell the class of every pixel.',
  settings: segmentSettings,
  formats: ['ade20k', 'coco'],
  modes: ['full', 'partial', 'linear-probe'],
  examine: examineSegmentation,
  requireFit: requireSameClasses,
  createModel: createSegmenter,
  recipes: segmentRecipes,
  defaultRecipe: defaultSegmentRecipe,
  officialRecipe: () => 'ade20k-base',
};
