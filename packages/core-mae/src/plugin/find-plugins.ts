import { existsSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { MaeError } from '../base/errors.js';
import { nearestName } from '../base/nearest-name.js';
import { shellWord } from '../base/shell-command.js';
import { versionProblem } from './api-version.js';
import { enclosingPackage, installedPackage, type PackageFile, readPackage } from './package-files.js';

/** Why a plugin cannot be used. */
export interface PluginProblem {
  readonly what: string;
  /** Default: to update or reinstall it. */
  readonly fix?: string;
}

/** A plugin that could be loaded, told from files alone. */
export interface FoundPlugin {
  /** The package's name, or the path that was given. */
  readonly name: string;
  readonly version: string | undefined;
  /** Names of its tasks, as its package.json says. */
  readonly tasks: readonly string[];
  /** Where it was found: "--plugin", or the package.json that names it. */
  readonly foundBy: string;
  /** The module to load, an absolute path; undefined where its package has none. */
  readonly entry: string | undefined;
  /** Why it cannot be used, and what to do, if files alone tell. */
  readonly problem: PluginProblem | undefined;
}

/**
 * Plugins among the direct dependencies of the projects that hold these folders: packages whose package.json carries
 * `maeTasks`. Nothing is loaded, and `node_modules` is not searched for others. A package is listed once, as the first
 * folder finds it.
 *
 * @param folders usually the working directory and the folder of the command's own package, so that a command finds the
 * plugins installed beside it from wherever it is run
 */
export function findInstalledPlugins(folders: readonly string[]): FoundPlugin[] {
  const found = new Map<string, FoundPlugin>();
  for (const folder of folders) {
    const project = enclosingPackage(folder);
    if (project === undefined) continue;
    for (const name of project.dependencies) {
      if (found.has(name)) continue;
      const installed = installedPackage(name, project.folder);
      if (installed?.maeTasks === undefined) continue;
      found.set(name, describePackage(name, installed, join(project.folder, 'package.json')));
    }
  }
  return [...found.values()];
}

/**
 * The plugin that a name or path stands for: a module's path, a package's folder, or an installed package.
 *
 * @param folders where relative paths and packages are looked for
 * @throws MaeError `PLUGIN_MISSING`
 */
export function findNamedPlugin(nameOrPath: string, folders: readonly string[], foundBy: string): FoundPlugin {
  const isPath = nameOrPath.startsWith('.') || isAbsolute(nameOrPath);
  for (const folder of folders) {
    if (isPath) {
      const path = resolve(folder, nameOrPath);
      if (!existsSync(path)) continue;
      if (!statSync(path).isDirectory()) return unpackaged(nameOrPath, path, foundBy);
      const inFolder = readPackage(path);
      if (inFolder !== undefined) return describePackage(inFolder.name ?? nameOrPath, inFolder, foundBy);
    } else {
      const installed = installedPackage(nameOrPath, folder);
      if (installed !== undefined) return describePackage(nameOrPath, installed, foundBy);
    }
  }
  throw new MaeError('PLUGIN_MISSING', {
    what: `there is no plugin "${nameOrPath}"`,
    where: foundBy,
    fix: isPath ? 'check the path' : `run: npm i ${shellWord(nameOrPath)}`,
  });
}

/** Tasks with a package of ours, called after them: only of these is it known what to install. */
const OFFICIAL_TASKS = ['classify', 'detect', 'segment'];

/** The error of a task that no plugin brings: it is misspelt, one of ours, or of a plugin that is not named. */
export function missingTask(task: string, installed: readonly string[]): MaeError {
  const known = installed.length === 0 ? '' : ` (installed: ${installed.join(', ')})`;
  const what = `Task "${task}" is not installed${known}`;
  if (OFFICIAL_TASKS.includes(task)) {
    return new MaeError('PLUGIN_MISSING', { what: `${what}. Run: npm i @mae-tasks/plugin-${task}` });
  }
  const nearest = nearestName(task, [...installed, ...OFFICIAL_TASKS]);
  if (nearest === undefined) {
    return new MaeError('PLUGIN_MISSING', { what, fix: 'install the plugin that brings it, or name it by --plugin' });
  }
  const install = installed.includes(nearest) ? '' : ` Run: npm i ${shellWord(`@mae-tasks/plugin-${nearest}`)}`;
  return new MaeError('PLUGIN_MISSING', { what, fix: `did you mean "${nearest}"?${install}` });
}

function describePackage(name: string, file: PackageFile, foundBy: string): FoundPlugin {
  const { folder, version, maeTasks, entry } = file;
  const path = entry === undefined ? undefined : join(folder, entry);
  return { name, version, tasks: maeTasks?.tasks ?? [], foundBy, entry: path, problem: problemOf(file, path) };
}

function problemOf({ folder, maeTasks }: PackageFile, entry: string | undefined): PluginProblem | undefined {
  const apiVersion = maeTasks?.apiVersion;
  const outdated = apiVersion === undefined ? undefined : versionProblem(apiVersion);
  if (outdated !== undefined) return outdated;
  if (entry === undefined) return { what: 'its package.json names no module' };
  if (existsSync(entry)) return undefined;
  return { what: `its module ${entry.slice(folder.length + 1)} is missing: is it built?` };
}

function unpackaged(name: string, path: string, foundBy: string): FoundPlugin {
  const owner = enclosingPackage(dirname(path));
  return { name, version: undefined, tasks: owner?.maeTasks?.tasks ?? [], foundBy, entry: path, problem: undefined };
}
