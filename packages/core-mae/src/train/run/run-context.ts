import type { TrackerFactory } from '../../contracts/tracker.js';
import type { TrainingMetadata } from '../inputs/training-metadata.js';
import type { StepRecord } from '../loop/training.js';
import type { RunSettings } from '../settings/run-settings.js';
import type { RunFolder } from './run-folder.js';
import type { RunLock } from './run-lock.js';

/** What happens in a run, in order, for whoever shows it. */
export type RunEvent =
  | { readonly kind: 'step'; readonly record: StepRecord }
  | {
      readonly kind: 'epoch';
      readonly epoch: number;
      readonly step: number;
      readonly metrics: Readonly<Record<string, number>>;
    }
  /** The training does not do what it should; said once. */
  | { readonly kind: 'warning'; readonly message: string }
  | { readonly kind: 'saved'; readonly path: string; readonly best: boolean }
  | { readonly kind: 'drawn'; readonly path: string }
  | { readonly kind: 'stopped'; readonly step: number }
  | { readonly kind: 'finished'; readonly step: number };

/** The settings of a run, as they stand in its config.yaml. */
export type RunConfig = RunSettings &
  Readonly<Record<string, unknown>> & {
    readonly seed: number;
    /** Epochs without a better value after which the run ends. Default: it never ends early. */
    readonly patience?: number | null;
  };

/** Where a training runs, and who follows it. */
export interface RunContext {
  readonly folder: RunFolder;
  /** Held while the run trains. */
  readonly lock: RunLock;
  readonly config: RunConfig;
  /** Not yet made. */
  readonly trackers: readonly TrackerFactory[];
  /** Names and versions of the plugins that were loaded. */
  readonly plugins?: readonly string[] | undefined;
  /** Asked after every step and every batch of an evaluation: whether to save and end. */
  readonly shouldStop: () => boolean;
  /** The checkpoint's words where the run is resumed. */
  readonly resumed: TrainingMetadata | undefined;
  /** Whether the pictures may be other ones than those that the run began with. */
  readonly allowChangedData: boolean;
  readonly reportWarning: (message: string) => void;
  /** Whether some steps are measured at the start, to say how long the run is going to take. */
  readonly estimate: boolean;
  /** When the run was opened, in milliseconds of `performance.now()`: its minutes count from there. */
  readonly openedAt: number;
  /** What the task needs to know of its data besides the configuration; part of every checkpoint. */
  readonly facts?: unknown;
}
