import type { TrackerFactory } from '../../contracts/tracker.js';
import { createMetricsJsonl } from '../../report/metrics/metrics-jsonl.js';
import { createResultsCsv } from '../../report/metrics/results-csv.js';
import { createTensorboard } from '../../report/metrics/tensorboard.js';
import { runFolderAt } from './run-folder.js';

/** metrics.jsonl in the run's folder. */
export const metricsJsonlTracker: TrackerFactory = {
  name: 'metrics.jsonl',
  create: ({ folder }) => createMetricsJsonl(runFolderAt(folder).metrics),
};

/** results.csv in the run's folder, made from metrics.jsonl where a run is resumed. */
export const resultsCsvTracker: TrackerFactory = {
  name: 'results.csv',
  create({ folder }) {
    const { results, metrics } = runFolderAt(folder);
    return createResultsCsv({ path: results, metricsPath: metrics });
  },
};

/** TensorBoard's events in the run's folder, unless `log.tensorboard` is false. */
export const tensorboardTracker: TrackerFactory = {
  name: 'tensorboard',
  create({ folder, config }) {
    const log = config.log as { readonly tensorboard?: boolean } | undefined;
    if (log?.tensorboard === false) return undefined;
    return createTensorboard({ folder: runFolderAt(folder).events, now: () => Date.now() / 1000 });
  },
};
