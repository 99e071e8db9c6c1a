import { checkSettings } from '../../base/check-settings.js';
import { MaeError } from '../../base/errors.js';
import { nearestName } from '../../base/nearest-name.js';
import type { TrackedRun, Tracker, TrackerFactory } from '../../contracts/tracker.js';

/** A run's trackers that are still to be made, their settings checked. */
export type PlannedTrackers = ReadonlyArray<(run: TrackedRun) => Promise<Tracker | undefined>>;

/**
 * What makes the trackers of a run when it starts: what is wrong with their settings is told before.
 *
 * @throws MaeError `CONFIG_INVALID` for settings of a tracker that there is not, or that it does not take
 */
export function planTrackers(
  factories: readonly TrackerFactory[],
  given: Readonly<Record<string, unknown>>,
): PlannedTrackers {
  const names = factories.map(({ name }) => name);
  for (const name of Object.keys(given)) {
    if (names.includes(name)) continue;
    const nearest = nearestName(name, names);
    throw new MaeError('CONFIG_INVALID', {
      what: `\`trackers.${name}\` are settings of no tracker that is installed`,
      fix: nearest === undefined ? `there are ${names.join(', ')}` : `did you mean \`trackers.${nearest}\`?`,
    });
  }
  return factories.map((factory) => {
    const settings: unknown = settingsOf(factory, given[factory.name]);
    return async (run) => factory.create(run, settings);
  });
}

function settingsOf({ name, settings }: TrackerFactory, given: unknown): unknown {
  const where = `trackers.${name}`;
  if (settings !== undefined) return checkSettings(settings, given ?? {}, where);
  if (given === undefined || (typeof given === 'object' && Object.keys(given ?? {}).length === 0)) return {};
  throw new MaeError('CONFIG_INVALID', {
    what: `the tracker "${name}" takes no settings`,
    where,
    fix: 'leave them out',
  });
}

/** Closes every tracker, also after one that cannot be closed. @throws what the first of these throws */
export async function closeTrackers(trackers: readonly Tracker[]): Promise<void> {
  const failures: unknown[] = [];
  for (const tracker of trackers) {
    try {
      await tracker.close();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}
