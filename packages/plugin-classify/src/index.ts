/*
 * plugin-classify: classification of pictures as a plugin: `task` puts it together from `settings`, `model` (one
 * program: encoder, pooled tokens, a linear layer), `loss`, `accuracy` and `prediction`; `recipes` are the published
 * settings, `facts` what the data says.
 * Not here: the loop, checkpoints and commands: core's, and the same for every task.
 * Called by: core, which finds this default export by the package's name; scripts for the named ones.
 */

import { definePlugin, Task } from '@mae-tasks/core-mae/task';
import { classifyTask } from './task.js';

export type { ClassifyFacts } from './facts.js';
export type { ClassPrediction } from './prediction.js';
export { classifyRecipes } from './recipes.js';
export { type ClassifySettings, classifySettings } from './settings.js';
export { classifyTask };

export default definePlugin({
  name: 'classify',
  apiVersion: 2,
  register: ({ bind }) => bind(Task).toConstantValue(classifyTask),
});
