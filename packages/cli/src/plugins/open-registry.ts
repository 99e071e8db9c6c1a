/*
 * plugins/: plugins for commands: those of the project and those named by `--plugin` (this file), flags that a task
 * declares, fine-tuned models with their task, the skeleton of a new plugin.
 * Not here: loading itself: core's `plugin/`.
 * Called by: commands that work with tasks or readers.
 */

import { fileURLToPath } from 'node:url';
import { findInstalledPlugins, findNamedPlugin, type FoundPlugin, shellWord } from '@mae-tasks/core-mae/find-plugins';
import type { PluginSource, Registry } from '@mae-tasks/core-mae';
import type { DataReader } from '@mae-tasks/core-mae/task';

/** Where plugins are looked for: the project one stands in, then the one that this command is installed in. */
export function pluginFolders(): string[] {
  return [process.cwd(), fileURLToPath(new URL('../..', import.meta.url))];
}

/** Plugins among the dependencies of these projects; nothing is loaded. */
export function installedPlugins(): FoundPlugin[] {
  return findInstalledPlugins(pluginFolders());
}

/** The plugins that are named, then those that are installed, each once. @throws MaeError `PLUGIN_MISSING` */
export function foundPlugins(named: readonly string[], foundBy = '--plugin'): FoundPlugin[] {
  const found = new Map<string, FoundPlugin>();
  for (const name of named) {
    const plugin = findNamedPlugin(name, pluginFolders(), foundBy);
    found.set(plugin.name, plugin);
  }
  for (const plugin of installedPlugins()) if (!found.has(plugin.name)) found.set(plugin.name, plugin);
  // One module may be named in several ways; what was named last is what the person typed.
  const byModule = new Map([...found.values()].map((plugin) => [moduleOf(plugin), plugin]));
  return [...byModule.values()];
}

function moduleOf({ entry, name }: FoundPlugin): string {
  return entry ?? name;
}

export interface RegistryOptions {
  /** Plugins given by name or path: each must load. */
  readonly named?: readonly string[];
  /** Those of them that the person named; default all. Others were named by a file, see `requireTrusted`. */
  readonly trusted?: readonly string[] | undefined;
  /** The file that names the others. */
  readonly where?: string;
  /** The task that is wanted: its plugin must load. Others that are installed are left out with a warning. */
  readonly task?: string | undefined;
  readonly warn: (message: string) => void;
}

/**
 * Core's own services and those of all plugins.
 *
 * @throws MaeError `PLUGIN_INVALID` or `PLUGIN_MISSING`
 */
export async function openRegistry({
  named = [],
  trusted = named,
  where = 'the configuration',
  task,
  warn,
}: RegistryOptions): Promise<Registry> {
  const { corePlugin, createRegistry, MaeError } = await import('@mae-tasks/core-mae');
  const { loadPlugin } = await import('@mae-tasks/core-mae/run');
  await requireTrusted(named, trusted, where);
  const plugins = foundPlugins(named);
  const sources: PluginSource[] = [{ plugin: corePlugin, from: 'part of @mae-tasks/core-mae' }];
  const asked = new Set(named.map((name) => moduleOf(findNamedPlugin(name, pluginFolders(), where))));
  for (const plugin of plugins) {
    try {
      sources.push(await loadPlugin(plugin));
    } catch (error) {
      const needed = asked.has(moduleOf(plugin)) || (task !== undefined && plugin.tasks.includes(task));
      if (needed || !(error instanceof MaeError)) throw error;
      warn(`left out: ${error.message}`);
    }
  }
  return createRegistry(sources);
}

/**
 * A file may be a stranger's, and loading a plugin runs its code: what a file names is loaded where it is among the
 * project's own dependencies, or where the person names it too.
 *
 * @throws MaeError `CONFIG_INVALID` naming the plugin and the flag
 */
async function requireTrusted(named: readonly string[], trusted: readonly string[], where: string): Promise<void> {
  const asked = named.filter((name) => !trusted.includes(name));
  if (asked.length === 0) return;
  const own = new Set(installedPlugins().map(({ entry }) => entry));
  // The same plugin may be named in two ways.
  for (const name of trusted) own.add(findNamedPlugin(name, pluginFolders(), '--plugin').entry);
  for (const name of asked) {
    const { entry } = findNamedPlugin(name, pluginFolders(), where);
    if (own.has(entry)) continue;
    const { MaeError } = await import('@mae-tasks/core-mae');
    throw new MaeError('CONFIG_INVALID', {
      what: `\`plugins\` asks for "${name}", which is no dependency of this project: loading it would run its code`,
      where,
      fix: `where you trust it, name it on the command line too: --plugin ${shellWord(name)}`,
    });
  }
}

/** Readers of data: core's own, and those of the plugins that are installed or named. @throws MaeError as `openRegistry` */
export async function openReaders(
  named: readonly string[] | undefined,
  warn: (message: string) => void,
): Promise<readonly DataReader[]> {
  const { readers } = await openRegistry({ named: named ?? [], warn });
  return readers;
}

/**
 * The registry for work with a run or other weights: with the plugins that the person names, and those that the run's
 * settings name.
 *
 * @throws MaeError as `openRegistry`, also where the run names a plugin that is neither installed nor named by the person
 */
export async function openRegistryOf(
  place: string,
  { plugin = [], task }: { readonly plugin?: readonly string[] | undefined; readonly task?: string | undefined },
  warn: (message: string) => void,
): Promise<Registry> {
  const { pluginsOfRun } = await import('./run-plugins.js');
  const { named, where } = await pluginsOfRun(place);
  // Where both name one plugin, the person's is taken.
  return openRegistry({ named: [...named, ...plugin], trusted: plugin, where, task, warn });
}

/**
 * The registry that settings ask for: with the plugins that they name, and that of the task, if there is one.
 *
 * @throws MaeError `CONFIG_INVALID` for names of plugins that are none, and as `openRegistry`
 */
export async function openRegistryFor(
  task: string | undefined,
  { tree, where }: { readonly tree: Readonly<Record<string, unknown>>; readonly where: string },
  warn: (message: string) => void,
  trusted: readonly string[] = [],
): Promise<Registry> {
  const { checkSettings, runSettings } = await import('@mae-tasks/core-mae/run');
  const named = checkSettings(runSettings.shape.plugins, tree.plugins ?? [], where);
  return openRegistry({ named, trusted, where, task, warn });
}
