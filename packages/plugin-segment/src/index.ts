import { definePlugin, Task } from '@mae-tasks/core-mae/task';
import { segmentTask } from './task.js';

export type { SegmentFacts } from './facts.js';
export { areasOf } from './inference/prediction.js';
export { segmentRecipes } from './recipes.js';
export { type SegmentSettings, segmentSettings } from './settings.js';
export { segmentTask };

export default definePlugin({
  name: 'segment',
  apiVersion: 2,
  register: ({ bind }) => bind(Task).toConstantValue(segmentTask),
});
