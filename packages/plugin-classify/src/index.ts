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
