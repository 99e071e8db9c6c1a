/*
 * plugin-segment: semantic segmentation as a plugin: `task` puts it together from `settings`, `model`, `network` and
 * `loss`; `decoders/` are the heads, `inference/` moves a window over pictures of any size; `recipes` are the
 * published settings, `facts` what the data says.
 * Not here: the loop, checkpoints and commands: core's. Label maps and mean IoU are core's `data/targets`.
 * Called by: core, which finds this default export by the package's name; scripts for the named ones.
 */

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
