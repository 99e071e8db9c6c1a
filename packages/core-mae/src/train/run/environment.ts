import { availableParallelism, cpus, freemem, totalmem } from 'node:os';
import type { Engine } from '../../contracts/engine.js';

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
}

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

export function describeEnvironment(engine: Engine): Environment {
  return {
    ...describeMachine(),
    engine: `${engine.name}: ${engine.description}`,
    command: process.argv.slice(2).join(' '),
  };
}

function inGiB(bytes: number): number {
  return Math.round((bytes / 2 ** 30) * 10) / 10;
}
