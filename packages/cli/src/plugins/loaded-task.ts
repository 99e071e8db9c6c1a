import type { Dataset, LoadedTaskModel, Registry } from '@mae-tasks/core-mae';
import type { UseFlags } from '../settings/common-options.js';
import { parseAssignment, withOverrides } from '../settings/config.js';
import { openRegistryOf } from './open-registry.js';
import type { Terminal } from '../terminal/terminal.js';

/** The registry and the model at a place. @throws MaeError as `loadTaskModel` */
export async function openLoadedTask(
  place: string,
  flags: UseFlags,
  terminal: Terminal,
  foreignData?: (registry: Registry) => Promise<Dataset>,
): Promise<{ registry: Registry; loaded: LoadedTaskModel }> {
  const { loadTaskModel } = await import('@mae-tasks/core-mae');
  const reportWarning = (message: string): void => {
    terminal.warn(message);
  };
  const registry = await openRegistryOf(place, flags, reportWarning);
  const settings = withOverrides({}, [['model.preset', flags.model], ...(flags.set ?? []).map(parseAssignment)]);
  const foreign =
    flags.task === undefined || foreignData === undefined
      ? undefined
      : { task: flags.task, data: await foreignData(registry) };
  return { registry, loaded: await loadTaskModel(place, registry, { settings, foreign, reportWarning }) };
}

/** Opens the data that foreign weights take their classes from, where a path is given. */
export function classesFrom(
  path: string | undefined,
  task: string | undefined,
): ((registry: Registry) => Promise<Dataset>) | undefined {
  if (path === undefined) return undefined;
  return async ({ readers, tasks }) => {
    const { openSplit } = await import('@mae-tasks/core-mae/run');
    return openSplit(path, readers, { preferred: 'val', formats: tasks.get(task ?? '')?.formats });
  };
}
