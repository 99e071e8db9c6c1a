import { type Bind, ContainerModule } from 'inversify';

/** Where a plugin's module says what it is; a registered symbol, so that two copies of core agree on it. */
const PLUGIN_INFO = Symbol.for('mae:plugin');

export interface PluginInfo {
  /** For messages: "classify". */
  readonly name: string;
  /** The `PLUGIN_API_VERSION` that the plugin was written for. */
  readonly apiVersion: number;
}

export interface PluginDefinition extends PluginInfo {
  /** Binds tasks, data readers, backbones, exporters and trackers, without names: they are told apart by their own. */
  readonly register: (options: { readonly bind: Bind }) => void;
}

/** An Inversify module that knows which plugin it is. */
export type Plugin = ContainerModule & { readonly [PLUGIN_INFO]: PluginInfo };

/** The module of a plugin, to be its package's default export. */
export function definePlugin({ name, apiVersion, register }: PluginDefinition): Plugin {
  const module = new ContainerModule(({ bind }) => {
    register({ bind });
  });
  return Object.assign(module, { [PLUGIN_INFO]: { name, apiVersion } });
}

/** What a plugin is, or undefined for anything that `definePlugin` did not make. */
export function pluginInfoOf(value: unknown): PluginInfo | undefined {
  if (typeof value !== 'object' || value === null || !(PLUGIN_INFO in value)) return undefined;
  return value[PLUGIN_INFO] as PluginInfo;
}
