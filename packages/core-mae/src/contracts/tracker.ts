import type { ServiceIdentifier } from 'inversify';
import type { z } from 'zod';

/** Numbers measured at one step of a run. */
export interface MetricsRecord {
  /** Optimizer steps done so far: the first is 1. Never smaller than in the record before. */
  readonly step: number;
  /** The epoch that this step belongs to, counted from 1. */
  readonly epoch: number;
  readonly phase: 'train' | 'val';
  /** By name: `loss`, `lr`, `imagesPerSecond`, `gradNorm`, `valLoss`, a task's own. NaN where there is no number. */
  readonly values: Readonly<Record<string, number>>;
}

/** A picture made during a run: a sheet of reconstructions, predictions beside truth. */
export interface PictureRecord {
  readonly step: number;
  /** Names the series that the picture belongs to: "reconstructions". */
  readonly name: string;
  /** The encoded PNG file. */
  readonly png: Uint8Array;
}

/** What a tracker may know of the run that it follows. */
export interface TrackedRun {
  readonly name: string;
  /** The run's folder, an absolute path; it exists. */
  readonly folder: string;
  /** The resolved configuration, as plain data. */
  readonly config: Readonly<Record<string, unknown>>;
}

/** A sink for what one run measures. Calls come one at a time, in the order resume, log …, close. */
export interface Tracker {
  /**
   * Called when the run is resumed from a checkpoint: forgets what was logged after `step`, so that a run that was killed
   * and resumed has no doubled records.
   */
  resume?(step: number): void | Promise<void>;
  /** @throws MaeError `WRITE_FAILED` */
  log(record: MetricsRecord): void | Promise<void>;
  logPicture?(picture: PictureRecord): void | Promise<void>;
  /** Called once, also after a failure; writes what is still held back. */
  close(): void | Promise<void>;
}

/** Makes the trackers of runs. A plugin binds one for each place that numbers can go to. */
export interface TrackerFactory<Settings = unknown> {
  /** For messages, and for its settings, which stand under `trackers.<name>` in a configuration. */
  readonly name: string;
  /** Default: it takes no settings. */
  readonly settings?: z.ZodType<Settings>;
  /**
   * Called once, when a run starts or goes on; the run closes what it returns.
   *
   * @param settings checked, defaults filled in; where nothing is given, those of an empty object
   * @returns undefined where the settings ask for none
   */
  create(run: TrackedRun, settings: Settings): Tracker | undefined | Promise<Tracker | undefined>;
}

export const TrackerFactory: ServiceIdentifier<TrackerFactory> = Symbol.for('mae:TrackerFactory');
