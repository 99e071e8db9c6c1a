import { join } from 'node:path';
import type { RunFolder } from '@mae-tasks/core-mae/run';
import type { CommonFlags } from './common-options.js';
import { type Override, parseAssignment, readConfigFile, withOverrides } from './config.js';

/** The settings of a run before they are checked, and the run's folder where it is resumed. */
export interface GivenSettings {
  readonly tree: Readonly<Record<string, unknown>>;
  /** What to call them in messages. */
  readonly where: string;
  /** The run to resume; absent for a new one. */
  readonly resumed: RunFolder | undefined;
  /** The folder of a run that was ended before its first checkpoint: it begins anew in it. */
  readonly restarted?: RunFolder;
}

/**
 * The settings that file and flags give to a new run, or those of the run to resume with the flags laid over them; which
 * of them may differ is decided where the run's checkpoint is read.
 *
 * @param command the folder below `runs/` that its runs lie in: `pretrain`, `detect`
 * @throws MaeError `CONFIG_INVALID`, also for a file of settings for a run that has its own
 */
export async function givenSettings(
  command: string,
  flags: CommonFlags,
  overrides: readonly Override[],
): Promise<GivenSettings> {
  const { MaeError } = await import('@mae-tasks/core-mae');
  const { findRunFolder, hasBegun, readRunConfig } = await import('@mae-tasks/core-mae/run');
  const all = [...overrides, ...(flags.set ?? []).map(parseAssignment)];
  if (flags.resume === undefined) {
    const tree = flags.config === undefined ? {} : await readConfigFile(flags.config);
    return { tree: withOverrides(tree, all), where: flags.config ?? 'command line', resumed: undefined };
  }
  const place = typeof flags.resume === 'string' ? flags.resume : (flags.out ?? join('runs', command));
  const folder = await findRunFolder(place);
  if (flags.config !== undefined) {
    throw new MaeError('CONFIG_INVALID', {
      what: 'a run that is resumed has its own configuration, so --config cannot be given',
      where: folder.path,
      fix: 'leave it away, and give what is to change as flags',
    });
  }
  const saved = await readRunConfig(folder);
  if (!(await hasBegun(folder))) {
    return { tree: withOverrides(saved, all), where: folder.config, resumed: undefined, restarted: folder };
  }
  return { tree: withOverrides(saved, all), where: folder.config, resumed: folder };
}
