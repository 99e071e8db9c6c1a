import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { exports } from 'resolve.exports';
import { MaeError, messageOf } from '../base/errors.js';

/** The parts of a package.json that finding plugins reads. */
export interface PackageFile {
  /** The folder that the file lies in. */
  readonly folder: string;
  readonly name: string | undefined;
  readonly version: string | undefined;
  /** Names of the direct dependencies of every kind. */
  readonly dependencies: readonly string[];
  /** The `maeTasks` entry of a plugin's package. */
  readonly maeTasks: { readonly tasks: readonly string[]; readonly apiVersion: number | undefined } | undefined;
  /** The module that `import '<name>'` loads, relative to the folder. */
  readonly entry: string | undefined;
}

const DEPENDENCY_KINDS = ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies'] as const;

/** The package in a folder, or undefined where there is no package.json. @throws MaeError `PLUGIN_INVALID` */
export function readPackage(folder: string): PackageFile | undefined {
  const path = join(folder, 'package.json');
  if (!existsSync(path)) return undefined;
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new MaeError('PLUGIN_INVALID', { what: `not valid JSON: ${messageOf(cause)}`, where: path, cause });
  }
  const json = asRecord(content);
  const maeTasks = json.maeTasks === undefined ? undefined : asRecord(json.maeTasks);
  return {
    folder,
    name: asText(json.name),
    version: asText(json.version),
    dependencies: DEPENDENCY_KINDS.flatMap((kind) => Object.keys(asRecord(json[kind]))),
    maeTasks: maeTasks && {
      tasks: Array.isArray(maeTasks.tasks) ? maeTasks.tasks.filter((task) => typeof task === 'string') : [],
      apiVersion: typeof maeTasks.apiVersion === 'number' ? maeTasks.apiVersion : undefined,
    },
    entry: entryOf(json),
  };
}

/** The nearest package at or above a folder. */
export function enclosingPackage(folder: string): PackageFile | undefined {
  for (let at = folder; ; at = dirname(at)) {
    const found = readPackage(at);
    if (found !== undefined || dirname(at) === at) return found;
  }
}

/** The package that `import name` would find from a folder: the first `node_modules/<name>` at or above it. */
export function installedPackage(name: string, folder: string): PackageFile | undefined {
  for (let at = folder; ; at = dirname(at)) {
    const found = readPackage(join(at, 'node_modules', ...name.split('/')));
    if (found !== undefined || dirname(at) === at) return found;
  }
}

/** What `import` of the package's name loads on Node.js. */
function entryOf(json: Readonly<Record<string, unknown>>): string | undefined {
  if (json.exports === undefined) return asText(json.main);
  try {
    return exports(json, '.', { conditions: ['module-sync'] })?.[0];
  } catch {
    // The package has no such entry for Node.js.
    return undefined;
  }
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

function asText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
