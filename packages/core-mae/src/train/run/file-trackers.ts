import type { MetricsRecord, PictureRecord, TrackedRun, Tracker } from '../../contracts/tracker.js';
import { createMetricsJsonl } from '../../report/metrics/metrics-jsonl.js';
import { createResultsCsv } from '../../report/metrics/results-csv.js';
import { createTensorboard } from '../../report/metrics/tensorboard.js';
import { runFolderAt } from './run-folder.js';

/** metrics.jsonl in the run's folder. */
export function metricsJsonlTracker(): Tracker {
  return openedLater('metrics.jsonl', ({ folder }) => createMetricsJsonl(runFolderAt(folder).metrics));
}

/** results.csv in the run's folder, made from metrics.jsonl where a run is resumed. */
export function resultsCsvTracker(): Tracker {
  return openedLater('results.csv', ({ folder }) => {
    const { results, metrics } = runFolderAt(folder);
    return createResultsCsv({ path: results, metricsPath: metrics });
  });
}

/** TensorBoard's events in the run's folder, unless `log.tensorboard` is false. */
export function tensorboardTracker(): Tracker {
  return openedLater('tensorboard', ({ folder, config }) => {
    const log = config.log as { readonly tensorboard?: boolean } | undefined;
    if (log?.tensorboard === false) return undefined;
    return createTensorboard({ folder: runFolderAt(folder).events, now: () => Date.now() / 1000 });
  });
}

/** A tracker that is made when it is told of its run, because only then it knows its files. */
function openedLater(name: string, create: (run: TrackedRun) => Tracker | undefined): Tracker {
  let tracker: Tracker | undefined;
  return {
    name,
    async open(run: TrackedRun) {
      tracker = create(run);
      await tracker?.open?.(run);
    },
    async resume(step: number) {
      await tracker?.resume?.(step);
    },
    async log(record: MetricsRecord) {
      await tracker?.log(record);
    },
    async logPicture(picture: PictureRecord) {
      await tracker?.logPicture?.(picture);
    },
    async close() {
      await tracker?.close();
    },
  };
}
