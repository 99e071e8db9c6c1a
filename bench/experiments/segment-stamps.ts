import { drawPredictions } from './segment-stamps/sheet.js';
import { createRunner, type FinishedRun } from './runner.js';
import { markdownTable, meanOf, writeResult } from './results.js';

/** How long everything trains. Fine-tuning gets the same from random weights. */
const PRETRAIN_EPOCHS = 110;
const FINETUNE_EPOCHS = 12;
const SEEDS = [0, 1, 2];
/** Labelled pictures that fine-tuning sees; pretraining sees all 2,000. */
const LABELLED = [250];
/** Pictures on the sheet, evenly spread over the held-out ones. */
const DRAWN = 6;

const NAME = 'segment-stamps';
const ARMS = ['from scratch', 'pretrained'] as const;
type Arm = (typeof ARMS)[number];

interface Measured {
  readonly arm: Arm;
  readonly labelled: number;
  readonly seed: number;
  readonly run: FinishedRun;
}

const runner = createRunner(NAME, { jobs: 2, threads: 2 });
const config = (name: string): string[] => ['--config', `bench/experiments/${NAME}/${name}.yaml`];

async function finetune(arm: Arm, labelled: number, seed: number, checkpoint: string): Promise<Measured> {
  const run = await runner.run(
    `${arm.replaceAll(' ', '-')}-${labelled}-seed${seed}`,
    [
      ...['finetune', 'segment', ...config('finetune')],
      ...['--limit', String(labelled), '--epochs', String(FINETUNE_EPOCHS), '--seed', String(seed)],
      // Layers that know nothing yet all learn at the same rate.
      ...(arm === 'pretrained' ? ['--checkpoint', checkpoint] : ['--set', 'optimizer.layerDecay=1']),
    ],
    // The weights of one seed are drawn with.
    { keepWeights: seed === SEEDS[0] },
  );
  return { arm, labelled, seed, run };
}

function resultTable(measured: readonly Measured[]): string {
  const cell = (arm: Arm, labelled: number, metric: string): string => {
    const values = measured
      .filter((each) => each.arm === arm && each.labelled === labelled)
      .map(({ run }) => run.metrics[metric]!);
    const { mean, deviation } = meanOf(values);
    return `${mean.toFixed(1)} ± ${deviation.toFixed(1)} (${values.map((value) => value.toFixed(1)).join(', ')})`;
  };
  const rows = LABELLED.flatMap((labelled) =>
    ARMS.map((arm) => [
      `${arm}, ${labelled} labelled pictures`,
      ...['valMIoU', 'valMAcc', 'valAAcc'].map((metric) => cell(arm, labelled, metric)),
    ]),
  );
  return markdownTable(['', 'mIoU, %', 'mAcc, %', 'aAcc, %'], rows);
}

/** Pretrains once on the pictures' own pixels, then compares with random weights at the same budget. */
export async function run(): Promise<void> {
  const pretraining = await runner.run(
    'pretrain',
    ['pretrain', ...config('pretrain'), '--epochs', String(PRETRAIN_EPOCHS)],
    { keepWeights: true },
  );
  const budgets = LABELLED.flatMap((labelled) => SEEDS.flatMap((seed) => ARMS.map((arm) => ({ arm, labelled, seed }))));
  const measured = await Promise.all(
    budgets.map(({ arm, labelled, seed }) => finetune(arm, labelled, seed, pretraining.folder)),
  );
  writeResult(`${NAME}.json`, `${JSON.stringify({ pretraining, measured }, null, 2)}\n`);
  writeResult(`${NAME}.md`, resultTable(measured));
  for (const labelled of LABELLED) {
    const runs = measured.filter((each) => each.labelled === labelled && each.seed === SEEDS[0]);
    const models = runs.map(({ arm, run: { folder } }) => ({ title: arm, folder }));
    writeResult(`${NAME}-${labelled}.png`, await drawPredictions(models, DRAWN));
  }
}
