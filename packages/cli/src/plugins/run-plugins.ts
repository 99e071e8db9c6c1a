import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Plugins that a file names, and the file. */
export interface NamedPlugins {
  readonly named: readonly string[];
  readonly where: string;
}

/**
 * The plugins that the settings of a run name, by the run's folder, a folder of runs, or a checkpoint in one; none for
 * weights that are not of a run.
 *
 * @throws MaeError `RUN_INVALID` or `CONFIG_INVALID` for settings that cannot be read
 */
export async function pluginsOfRun(place: string): Promise<NamedPlugins> {
  const core = await import('@mae-tasks/core-mae/run');
  if (!existsSync(place)) return { named: [], where: place };
  const isFolder = statSync(place).isDirectory();
  // A run's checkpoints lie in a folder of the run's.
  const folder = isFolder ? place : dirname(dirname(place));
  if (!isFolder && !existsSync(join(folder, 'config.yaml'))) return { named: [], where: place };
  // What is no run is told of by those who read its weights.
  const run = await core.findRunFolder(folder).catch(() => undefined);
  if (run === undefined) return { named: [], where: place };
  const { plugins = [] } = ((await core.readRunConfig(run)) ?? {}) as { readonly plugins?: unknown };
  return { named: core.checkSettings(core.runSettings.shape.plugins, plugins, run.config), where: run.config };
}
