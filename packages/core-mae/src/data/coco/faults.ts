import type { DataFault, ReportFault } from '../../contracts/data-fault.js';
import { MaeError } from '../../base/errors.js';

/** One line: `annotations.json, annotation 17: has no area — computed from its outline`. */
function faultLine({ file, subject, problem, action }: DataFault): string {
  return `${file}, ${subject}: ${problem} — ${action}`;
}

function faultError({ file, subject, problem, action, code }: DataFault): MaeError {
  return new MaeError(code === 'path-escapes' ? 'PATH_ESCAPES' : 'ANNOTATION_INVALID', {
    what: `${subject}: ${problem}`,
    where: file,
    fix: action,
  });
}

export interface FaultLog {
  readonly report: ReportFault;
  /** The first faults of each kind, in the order they were met. */
  readonly faults: readonly DataFault[];
  /** How often each kind occurred, by code. */
  readonly counts: ReadonlyMap<string, number>;
  numErrors(): number;
  numWarnings(): number;
  /** Lines for people, each kind cut after the limit with the number left out. */
  lines(): string[];
}

/** Collects faults; keeps at most `limitPerKind` of a kind, so that a million of one kind take no memory. */
export function createFaultLog(limitPerKind = 20): FaultLog {
  const faults: DataFault[] = [];
  const counts = new Map<string, number>();
  const totals = { error: 0, warning: 0 };
  return {
    faults,
    counts,
    report(fault) {
      const count = (counts.get(fault.code) ?? 0) + 1;
      counts.set(fault.code, count);
      totals[fault.severity]++;
      if (count <= limitPerKind) faults.push(fault);
    },
    numErrors: () => totals.error,
    numWarnings: () => totals.warning,
    lines() {
      const left = [...counts]
        .filter(([, count]) => count > limitPerKind)
        .map(([code, count]) => `… and ${count - limitPerKind} more of the kind ${code}`);
      return [...faults.map(faultLine), ...left];
    },
  };
}

/** Faults of one kind that are listed when data is opened for use; a check lists more. */
const LISTED_WHEN_OPENED = 3;

/** Where the faults go that are met while data is opened: to whoever asked for them, or errors end it. */
export interface OpeningFaults {
  readonly report: ReportFault;
  /** A line for each warning; none where they are reported to somebody. */
  readonly warnings: () => string[];
}

export function openingFaults(report: ReportFault | undefined): OpeningFaults {
  if (report !== undefined) return { report, warnings: () => [] };
  const log = createFaultLog(LISTED_WHEN_OPENED);
  return { report: throwOnError(log.report), warnings: () => log.lines() };
}

/** Reports errors by throwing them and passes warnings on: how files are loaded for use. */
export function throwOnError(onWarning: ReportFault): ReportFault {
  return (fault) => {
    if (fault.severity === 'error') throw faultError(fault);
    onWarning(fault);
  };
}
