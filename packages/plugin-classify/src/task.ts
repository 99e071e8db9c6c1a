import type { Task } from '@mae-tasks/core-mae/task';
import { type ClassifyFacts, examineClasses, requireSameClasses } from './facts.js';
import { createClassifier } from './model.js';
import { classifyRecipes, defaultClassifyRecipe, officialClassifyRecipe } from './recipes.js';
import { type ClassifySettings, classifySettings } from './settings.js';

/** Classification of whole pictures (He et al. 2022, §4.1 and §A; official main_finetune.py and main_linprobe.py). */
export const classifyTask: Task<ClassifySettings, ClassifyFacts> = {
  name: 'classify',
  description: 'Classify pictures.',
  settings: classifySettings,
  modes: ['full', 'partial', 'linear-probe'],
  examine: (data) => examineClasses(data),
  requireFit: requireSameClasses,
  createModel: createClassifier,
  recipes: classifyRecipes,
  defaultRecipe: defaultClassifyRecipe,
  officialRecipe: officialClassifyRecipe,
};
