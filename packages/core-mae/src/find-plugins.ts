/**
 * Which plugins are installed, told from `package.json` files alone.
 *
 * Not here: loading them (`loadPlugin` in `/run`). This door loads neither TensorFlow.js nor any plugin, so that
 * `--help` can list tasks at once.
 *
 * @example
 * ```ts
 * import { findInstalledPlugins } from '@mae-tasks/core-mae/find-plugins';
 * for (const { name, tasks, problem } of findInstalledPlugins([process.cwd()])) {
 *   console.log(name, tasks.join(), problem?.what ?? 'works');
 * }
 * ```
 *
 * @packageDocumentation
 */

export { findInstalledPlugins, findNamedPlugin, type FoundPlugin, type PluginProblem } from './plugin/find-plugins.js';
// What packages and paths are called comes from anywhere: a terminal, and a shell, is shown it by these.
export { harmlessJson, withoutControls } from './base/harmless-text.js';
export { shellWord } from './base/shell-command.js';
