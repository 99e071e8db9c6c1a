import { realpathSync } from 'node:fs';
import { availableParallelism, cpus, freemem, totalmem } from 'node:os';
import { dirname } from 'node:path';
import type { Engine } from '../../contracts/engine.js';
import { enclosingPackage, installedPackage } from '../../plugin/package-files.js';

/** What this machine is. */
export interface Machine {
  readonly node: string;
  readonly platform: string;
  readonly cpu: string;
  /** Processors that this process may use. */
  readonly processors: number;
  readonly memoryGiB: number;
  readonly freeMemoryGiB: number;
}

/** What a run was made with, as plain data for environment.json. */
export interface Environment extends Machine {
  readonly engine: string;
  readonly command: string;
  /** When the run began, as ISO 8601 has it, in UTC. */
  readonly startedAt: string;
  /** Versions of the packages that numbers depend on, by name; null for one that is not installed. */
  readonly versions: Readonly<Record<string, string | null>>;
  /** The plugins that were loaded, each with its version. */
  readonly plugins: readonly string[];
}

/** Besides core and the command. */
const PACKAGES = ['@tensorflow/tfjs', 'sharp', 'onnxruntime-node'];

export function describeMachine(): Machine {
  return {
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    processors: availableParallelism(),
    memoryGiB: inGiB(totalmem()),
    freeMemoryGiB: inGiB(freemem()),
  };
}

/** @param plugins names and versions of those that were loaded */
export function describeEnvironment(engine: Engine, plugins: readonly string[] = []): Environment {
  return {
    ...describeMachine(),
    engine: `${engine.name}: ${engine.description}`,
    command: process.argv.slice(2).join(' '),
    startedAt: new Date().toISOString(),
    versions: packageVersions(),
    plugins,
  };
}

function packageVersions(): Record<string, string | null> {
  const core = enclosingPackage(import.meta.dirname);
  const versions: Record<string, string | null> = { '@mae-tasks/core-mae': core?.version ?? null };
  const script = process.argv[1];
  const command = script === undefined ? undefined : enclosingPackage(dirname(realPath(script)));
  if (command?.name === 'mae-tasks') versions['mae-tasks'] = command.version ?? null;
  for (const name of PACKAGES) {
    versions[name] = (core && installedPackage(name, core.folder)?.version) ?? null;
  }
  return versions;
}

/** The command is started by a link to it. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function inGiB(bytes: number): number {
  return Math.round((bytes / 2 ** 30) * 10) / 10;
}
