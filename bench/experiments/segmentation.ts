import { type Budget, compareArms, comparisonTable } from './comparison.js';
import { createRunner } from './runner.js';
import { writeResult } from './results.js';
import { drawPredictions } from './segmentation-sheet.js';

export interface SegmentationExperiment {
  /** Its settings are in a folder of this name: `pretrain.yaml`, `finetune.yaml`. */
  readonly name: string;
  readonly title: string;
  readonly pretrainEpochs: number;
  readonly budgets: readonly Budget[];
}

const METRICS = [
  ['valMIoU', 'mIoU, %'],
  ['valMAcc', 'mAcc, %'],
  ['valAAcc', 'aAcc, %'],
] as const;
/** Pictures on the sheet, evenly spread over the held-out ones. */
const DRAWN = 6;

/** Pretrains once on the pictures' own pixels, then compares with random weights at the same budget. */
export async function compareSegmentation(experiment: SegmentationExperiment): Promise<void> {
  const { name, title, pretrainEpochs, budgets } = experiment;
  const runner = createRunner(name, { jobs: 2, threads: 2 });
  const settings = `bench/experiments/${name}`;
  const pretraining = await runner.run(
    'pretrain',
    ['pretrain', '--config', `${settings}/pretrain.yaml`, '--epochs', String(pretrainEpochs)],
    { keepWeights: true, alone: true },
  );
  const config = `${settings}/finetune.yaml`;
  const checkpoint = pretraining.folder;
  const measured = await compareArms(runner, { task: 'segment', config, checkpoint, budgets });
  writeResult(`${name}.json`, `${JSON.stringify({ pretraining, measured }, null, 2)}\n`);
  writeResult(`${name}.md`, comparisonTable(measured, budgets, METRICS, 1));
  for (const { labelled } of budgets) {
    const runs = measured.filter((each) => each.labelled === labelled && each.seed === 0);
    const models = runs.map(({ arm, run: { folder } }) => ({ title: arm, folder }));
    writeResult(`${name}-${labelled}.png`, await drawPredictions(title, models, DRAWN));
  }
}
