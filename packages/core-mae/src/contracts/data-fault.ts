/** An oddity of a data set: what it is, where, and what is done about it. */
export interface DataFault {
  /** Errors stop a load; warnings are repaired or left out, as `action` says. */
  readonly severity: 'error' | 'warning';
  /** A stable name of the kind of fault: `duplicate-annotation-id`. */
  readonly code: string;
  readonly file: string;
  /** The record or picture: `annotation 17`, `image 3`, `photos/a.jpg`. */
  readonly subject: string;
  readonly problem: string;
  readonly action: string;
}

export type ReportFault = (fault: DataFault) => void;
