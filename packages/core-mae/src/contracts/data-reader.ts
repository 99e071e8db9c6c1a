import type { ServiceIdentifier } from 'inversify';
import type { ReportFault } from './data-fault.js';
import type { Dataset } from './dataset.js';

export interface OpenOptions {
  /** `train`, `val` or another split's name. Data without splits is all `train`; any other name is then an error. */
  readonly split?: string;
  /** Whether symbolic links may lead out of the data set. Default false. */
  readonly followLinks?: boolean;
  /**
   * Takes every oddity, error or warning, and the data is opened as far as it can be used: how a data set is checked.
   * Default: the first error is thrown, and warnings are the data set's.
   */
  readonly reportFault?: ReportFault;
  /** Further options, by the names of the settings below `data`. */
  readonly [option: string]: unknown;
}

/** Knows one layout of files on disk: folders of pictures, IDX files, COCO, ADE20K. */
export interface DataReader {
  /** For `data.format` and messages: "folder", "idx", "coco". */
  readonly name: string;
  /** Names of the settings below `data`, besides those for every layout, that `open` takes: `classLevel`. Default none. */
  readonly settings?: readonly string[];
  /** Whether this path looks like the reader's layout; looks at names only, opens no picture. */
  recognizes(path: string): Promise<boolean>;
  /** Names of the splits that the path has, `train` first; empty for data without. Absent: a reader without splits. */
  splits?(path: string): Promise<readonly string[]>;
  /** @throws MaeError `DATA_NOT_FOUND`, `DATA_EMPTY` or `DATA_INVALID`. */
  open(path: string, options?: OpenOptions): Promise<Dataset>;
}

export const DataReader: ServiceIdentifier<DataReader> = Symbol.for('mae:DataReader');
