import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/**
 * The number of cores that this process may keep busy: those it may be scheduled on, and no more than its control
 * group's quota (containers). Never below 1.
 */
export function availableCores(readQuota: () => number | undefined = quotaInCores): number {
  const scheduled = availableParallelism();
  const quota = readQuota();
  return Math.max(1, quota === undefined ? scheduled : Math.min(scheduled, Math.floor(quota)));
}

/** The CPU quota of this process's control group in cores, or undefined where there is none. */
function quotaInCores(): number | undefined {
  return parseQuota(read('/sys/fs/cgroup/cpu.max')) ?? parseOldQuota();
}

/** Version 2 of control groups: "200000 100000" or "max 100000", in microseconds. */
function parseQuota(text: string | undefined): number | undefined {
  const [quota, period] = (text ?? '').trim().split(' ').map(Number);
  return quota !== undefined && period !== undefined && quota > 0 && period > 0 ? quota / period : undefined;
}

function parseOldQuota(): number | undefined {
  const folder = '/sys/fs/cgroup/cpu';
  return parseQuota(`${read(`${folder}/cpu.cfs_quota_us`)?.trim()} ${read(`${folder}/cpu.cfs_period_us`)?.trim()}`);
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
