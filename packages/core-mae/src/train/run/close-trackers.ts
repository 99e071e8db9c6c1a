import type { Tracker } from '../../contracts/tracker.js';

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
