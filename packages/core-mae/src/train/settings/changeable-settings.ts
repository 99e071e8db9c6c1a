/**
 * What a run may change when it is resumed: how long and where it goes, how fast, and what is shown and kept of it. All
 * else decides the numbers that are still to come, and stays as it was when the run began. A name stands for all settings
 * below it.
 */
export const CHANGEABLE_SETTINGS = [
  'epochs',
  'patience',
  'device',
  'threads',
  'replicas',
  'plugins',
  // Pictures may have moved; whether they are the same is checked by their names.
  'data.path',
  'data.val',
  'data.workers',
  'data.onBadImage',
  'data.maxBadImages',
  'checkpoint',
  'evaluation',
  'samples',
  'log',
  'trackers',
] as const;

/** Whether a run that is resumed may have another value of this setting (`checkpoint.everySteps`). */
export function isChangeable(path: string): boolean {
  return CHANGEABLE_SETTINGS.some((name) => path === name || path.startsWith(`${name}.`));
}
