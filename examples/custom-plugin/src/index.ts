import { definePlugin, Task } from '@mae-tasks/core-mae/task';
import { rotationTask } from './rotation-task.js';

export default definePlugin({
  name: 'rotation',
  apiVersion: 2,
  register: ({ bind }) => bind(Task).toConstantValue(rotationTask),
});
