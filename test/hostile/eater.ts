import { join } from 'node:path';
import { readConfigFile } from '../../packages/cli/src/settings/config.js';
import { MaeError } from '../../packages/core-mae/src/base/errors.js';
import { openWeights } from '../../packages/core-mae/src/checkpoint/open-weights.js';
import { loadCoco } from '../../packages/core-mae/src/data/coco/parse.js';
import { loadResults } from '../../packages/core-mae/src/data/coco/results.js';
import { openImage } from '../../packages/core-mae/src/data/images/image.js';
import { readClassNames } from '../../packages/core-mae/src/data/readers/ade20k-layout.js';
import { cocoDataset } from '../../packages/core-mae/src/data/readers/coco-instances.js';
import { idxDataset } from '../../packages/core-mae/src/data/readers/idx.js';
import { instanceLabels } from '../../packages/core-mae/src/data/targets/instance-labels.js';
import { readLabelMap } from '../../packages/core-mae/src/data/targets/label-map.js';
import { convertPascalVoc } from '../../packages/core-mae/src/data/tools/convert/pascal-voc.js';
import { convertYolo } from '../../packages/core-mae/src/data/tools/convert/yolo.js';
import { readMetrics } from '../../packages/core-mae/src/report/metrics/metrics-jsonl.js';
import { readPictureNames } from '../../packages/core-mae/src/train/run/picture-names-file.js';
import { runFolderAt } from '../../packages/core-mae/src/train/run/run-folder.js';
import { lockRun } from '../../packages/core-mae/src/train/run/run-lock.js';

// A process that reads what it is sent. It may die of it: whoever sends sees that, and starts another.

/** A file to read, in a folder of its own. */
export interface Meal {
  readonly reader: string;
  readonly folder: string;
  /** Within the folder. */
  readonly name: string;
}

/** What became of it. */
export interface Digested {
  /** Undefined where the file was read. */
  readonly error?: { readonly isForPeople: boolean; readonly message: string; readonly stack: string | undefined };
  /** Of the processor, whatever else the machine does. */
  readonly milliseconds: number;
  /** The most memory that the process has had so far. */
  readonly megabytes: number;
}

const READERS: Readonly<Record<string, (path: string, folder: string) => unknown>> = {
  picture: async (path) => (await openImage({ kind: 'file', path })).read(),
  map: (path) => readLabelMap(path),
  idx: (_, folder) => idxDataset(folder),
  weights: (path) => openWeights(path),
  coco: (path, folder) => {
    const data = cocoDataset(folder, { annotations: path });
    for (let index = 0; index < data.size; index++) {
      const target = data.item(index).target!;
      if (target.width > 0 && target.width < 1000 && target.height < 1000) instanceLabels(target, target);
    }
  },
  results: (path, folder) => loadResults(path, loadCoco(join(folder, 'truth.json')).annotations),
  voc: (_, folder) => convertPascalVoc(folder),
  yolo: (_, folder) => convertYolo(folder),
  classes: (_, folder) => readClassNames(folder),
  config: (path) => readConfigFile(path),
  metrics: (path) => readMetrics(path),
  names: (_, folder) => readPictureNames(runFolderAt(folder)),
  lock: (_, folder) => {
    lockRun(runFolderAt(folder)).release();
  },
};

function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

process.on('message', ({ reader, folder, name }: Meal) => {
  const start = processorTime();
  const answer = (error?: Digested['error']): void => {
    const megabytes = process.resourceUsage().maxRSS / 1024;
    process.send!({ ...(error === undefined ? {} : { error }), milliseconds: processorTime() - start, megabytes });
  };
  Promise.resolve()
    .then(() => READERS[reader]!(join(folder, name), folder))
    .then(
      () => {
        answer();
      },
      (error: unknown) => {
        const isError = error instanceof Error;
        answer({
          isForPeople: error instanceof MaeError,
          message: isError ? error.message : String(error),
          stack: isError ? error.stack : undefined,
        });
      },
    );
});
process.send!('ready');
