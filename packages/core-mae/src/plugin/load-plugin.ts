import { pathToFileURL } from 'node:url';
import { MaeError, messageOf } from '../base/errors.js';
import type { PluginSource } from './container.js';
import { type Plugin, pluginInfoOf } from './define-plugin.js';
import type { FoundPlugin } from './find-plugins.js';
import { shareCore } from './one-core.js';

/** The plugin's module. @throws MaeError `PLUGIN_INVALID` naming the plugin and what is wrong with it */
export async function loadPlugin({ name, version, entry, foundBy, problem }: FoundPlugin): Promise<PluginSource> {
  const from = version === undefined ? name : `${name}@${version}`;
  if (problem !== undefined || entry === undefined) {
    const { what, fix } = problem ?? { what: 'its package.json names no module' };
    throw invalid(from, what, foundBy, { fix });
  }
  let module: Readonly<Record<string, unknown>>;
  try {
    shareCore(entry);
    module = (await import(pathToFileURL(entry).href)) as Readonly<Record<string, unknown>>;
  } catch (cause) {
    throw invalid(from, `it fails while loading: ${messageOf(cause)}`, entry, { cause });
  }
  if (pluginInfoOf(module.default) === undefined) {
    throw invalid(from, 'its `default` export is not what `definePlugin` returns', entry);
  }
  return { plugin: module.default as Plugin, from };
}

function invalid(
  from: string,
  what: string,
  where: string,
  {
    fix = 'update or reinstall it, or report it to its author',
    cause,
  }: { fix?: string | undefined; cause?: unknown } = {},
): MaeError {
  return new MaeError('PLUGIN_INVALID', { what: `plugin ${from}: ${what}`, where, fix, cause });
}
