/*
 * plugin/: finding plugins among a project's dependencies, loading them, and one container of all that they bind:
 * tasks, readers, backbones, exporters, trackers. Only here and in `contracts/` is Inversify known.
 * Not here: any list of tasks: a new one changes nothing in core.
 * Called by: commands and scripts, through `createRegistry`; `find-plugins` alone by `--help`, since it loads nothing.
 */

import 'reflect-metadata';
import { Container, type ServiceIdentifier } from 'inversify';
import { Backbone } from '../contracts/backbone.js';
import { DataReader } from '../contracts/data-reader.js';
import { Exporter } from '../contracts/exporter.js';
import { Task } from '../contracts/task.js';
import { TrackerFactory } from '../contracts/tracker.js';
import { MaeError, messageOf } from '../base/errors.js';
import { versionProblem } from './api-version.js';
import { type Plugin, pluginInfoOf } from './define-plugin.js';

/** A plugin and where it was found. */
export interface PluginSource {
  readonly plugin: Plugin;
  /** For messages: a package's name and version, a path, "given by the program". */
  readonly from: string;
}

/** All that is there to choose from, by name. */
export interface Registry {
  readonly tasks: ReadonlyMap<string, Task>;
  readonly readers: readonly DataReader[];
  readonly backbones: ReadonlyMap<string, Backbone>;
  readonly exporters: ReadonlyMap<string, Exporter>;
  /** Where each plugin besides core itself is from, as its source says: a package's name and version, or a path. */
  readonly plugins?: readonly string[];
  /** What makes the trackers of a run. */
  readonly trackers: readonly TrackerFactory[];
}

/** What core calls the plugin of its own services. */
const CORE = 'core';

/** What each kind of service must have to be used at all. */
const KINDS: ReadonlyArray<{ token: ServiceIdentifier<{ name: string }>; kind: string; members: readonly string[] }> = [
  { token: Task, kind: 'task', members: ['settings', 'examine', 'createModel'] },
  { token: DataReader, kind: 'data reader', members: ['recognizes', 'open'] },
  { token: Backbone, kind: 'backbone', members: ['parameters', 'encode', 'layerOf', 'pretrainingOnly'] },
  { token: Exporter, kind: 'exporter', members: ['extension', 'write'] },
  { token: TrackerFactory, kind: 'tracker', members: ['create'] },
];

/**
 * The services of these plugins. Each is checked as it is loaded, so that an error names its plugin.
 *
 * @throws MaeError `PLUGIN_INVALID` for a plugin of another API version, one that throws while it registers, a service
 * without a member that it needs, and two services of one kind and name
 */
export async function createRegistry(sources: readonly PluginSource[]): Promise<Registry> {
  const container = new Container();
  const owners = new Map<string, PluginSource>();
  const loaded = new Set<Plugin>();
  for (const source of sources) {
    if (loaded.has(source.plugin)) throw invalid(source, 'it is loaded twice', 'name it once');
    loaded.add(source.plugin);
    requireApiVersion(source);
    await load(container, source);
    claimServices(container, source, owners);
  }
  const byName = <Service extends { name: string }>(token: ServiceIdentifier<Service>): Map<string, Service> =>
    new Map(all(container, token).map((service) => [service.name, service]));
  return {
    tasks: byName(Task),
    readers: all(container, DataReader),
    backbones: byName(Backbone),
    exporters: byName(Exporter),
    plugins: sources.filter(({ plugin }) => pluginInfoOf(plugin)!.name !== CORE).map(({ from }) => from),
    trackers: all(container, TrackerFactory),
  };
}

function requireApiVersion(source: PluginSource): void {
  const problem = versionProblem(pluginInfoOf(source.plugin)!.apiVersion);
  if (problem !== undefined) throw invalid(source, problem.what, problem.fix);
}

async function load(container: Container, source: PluginSource): Promise<void> {
  try {
    await container.loadAsync(source.plugin);
  } catch (cause) {
    throw invalid(source, `\`register\` fails: ${messageOf(cause)}`, 'report it to its author', cause);
  }
}

/** Notes which plugin each new service is of. @throws MaeError `PLUGIN_INVALID` */
function claimServices(container: Container, source: PluginSource, owners: Map<string, PluginSource>): void {
  for (const { token, kind, members } of KINDS) {
    const names = new Set<string>();
    for (const service of all(container, token)) {
      requireMembers(service, kind, members, source);
      const key = `${kind} ${service.name}`;
      const owner = owners.get(key) ?? source;
      if (names.has(service.name)) {
        throw new MaeError('PLUGIN_INVALID', {
          what: `two plugins bring a ${kind} named "${service.name}": ${describe(owner)} and ${describe(source)}`,
          fix: 'use one of them',
        });
      }
      names.add(service.name);
      owners.set(key, owner);
    }
  }
}

function requireMembers(service: unknown, kind: string, members: readonly string[], source: PluginSource): void {
  const found = (typeof service === 'object' && service !== null ? service : {}) as Readonly<Record<string, unknown>>;
  if (typeof found.name !== 'string' || found.name === '') throw invalid(source, `a ${kind} lacks \`name\``);
  const missing = members.find((member) => found[member] === undefined || found[member] === null);
  if (missing !== undefined) throw invalid(source, `the ${kind} "${found.name}" lacks \`${missing}\``);
}

function all<Service>(container: Container, token: ServiceIdentifier<Service>): Service[] {
  return container.isBound(token) ? container.getAll(token) : [];
}

function describe({ plugin, from }: PluginSource): string {
  return `"${pluginInfoOf(plugin)!.name}" (${from})`;
}

function invalid(source: PluginSource, what: string, fix = 'report it to its author', cause?: unknown): MaeError {
  return new MaeError('PLUGIN_INVALID', { what: `plugin ${describe(source)}: ${what}`, fix, cause });
}
