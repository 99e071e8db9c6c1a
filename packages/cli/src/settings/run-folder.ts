import { join } from 'node:path';
import type { RunDirectory } from '@mae-tasks/core-mae/run';
import type { CommonFlags } from './common-options.js';
import { type Override, parseAssignment, readConfigFile, withOverrides } from './config.js';

/** Settings that change how fast a run goes, and nothing of its results. */
const CHANGEABLE = new Set([
  'device',
  'threads',
  'replicas',
  'data.workers',
  'checkpoint.everyEpochs',
  'checkpoint.everySteps',
  'checkpoint.everyMinutes',
]);

/** The settings of a run before they are checked, and the run's folder where it goes on. */
export interface GivenSettings {
  readonly tree: Readonly<Record<string, unknown>>;
  /** What to call them in messages. */
  readonly where: string;
  /** The run to go on with; absent for a new one. */
  readonly resumed: RunDirectory | undefined;
}

/**
 * The settings that file and flags give to a new run, or those of the run to go on with.
 *
 * @param command the folder below `runs/` that its runs lie in: `pretrain`, `detect`
 * @throws MaeError `CONFIG_INVALID`, also for a flag that a run may not change when it goes on
 */
export async function givenSettings(
  command: string,
  flags: CommonFlags,
  overrides: readonly Override[],
): Promise<GivenSettings> {
  const { MaeError } = await import('@mae-tasks/core-mae');
  const { findRunDirectory, readRunConfig } = await import('@mae-tasks/core-mae/run');
  const all = [...overrides, ...(flags.set ?? []).map(parseAssignment)];
  if (flags.resume === undefined) {
    const tree = flags.config === undefined ? {} : await readConfigFile(flags.config);
    return { tree: withOverrides(tree, all), where: flags.config ?? 'command line', resumed: undefined };
  }
  const place = typeof flags.resume === 'string' ? flags.resume : (flags.out ?? join('runs', command));
  const directory = await findRunDirectory(place);
  const given = all.filter(([, value]) => value !== undefined);
  const fixed = given.find(([path]) => !CHANGEABLE.has(path));
  if (fixed !== undefined || flags.config !== undefined) {
    throw new MaeError('CONFIG_INVALID', {
      what: `a run that goes on keeps its settings, so ${fixed === undefined ? '--config' : `\`${fixed[0]}\``} cannot be given`,
      where: directory.path,
      fix: `only ${[...CHANGEABLE].join(', ')} may change; start a new run for anything else`,
    });
  }
  const saved = await readRunConfig(directory);
  return { tree: withOverrides(saved, given), where: directory.config, resumed: directory };
}
