import type { DataFault } from '../../contracts/data-fault.js';
import type { FaultLog } from '../coco/faults.js';

export interface CheckOptions {
  /** Whether pictures are decoded to the last pixel; otherwise only their headers are read. Default true. */
  readonly decodePictures?: boolean;
  /** Faults of one kind that are listed; the rest are counted. Default 20. */
  readonly limitPerKind?: number;
  /** Called after each picture. */
  readonly reportProgress?: ((done: number, total: number) => void) | undefined;
}

export interface CheckReport {
  /** True when there is no error; warnings may remain. */
  readonly ok: boolean;
  readonly numErrors: number;
  readonly numWarnings: number;
  readonly faults: readonly DataFault[];
  /** How often each kind of fault occurred. */
  readonly counts: Readonly<Record<string, number>>;
  /** A line for each fault listed, and for the kinds that were cut. */
  readonly lines: readonly string[];
  /** What was looked at. */
  readonly checked: { readonly files: number; readonly pictures: number; readonly annotations: number };
}

/** What a check has found, of everything that it has looked at. */
export function checkReport(log: FaultLog, checked: CheckReport['checked']): CheckReport {
  return {
    ok: log.numErrors() === 0,
    numErrors: log.numErrors(),
    numWarnings: log.numWarnings(),
    faults: log.faults,
    counts: Object.fromEntries(log.counts),
    lines: log.lines(),
    checked,
  };
}
