import { measureModel } from './detect-stamps/measure.js';
import { createRunner, type FinishedRun } from './runner.js';
import { markdownTable, meanOf, writeResult } from './results.js';

/** Of the encoder, which the experiment on segmentation pretrains too and which is trained once for both. */
const PRETRAIN_EPOCHS = 110;
/** Labelled pictures, how often they are gone through, and how many times the comparison is made. */
const BUDGETS = [
  { labelled: 500, epochs: 16, seeds: [0, 1, 2] },
  { labelled: 2000, epochs: 16, seeds: [0] },
];
/** Pictures on the sheets, evenly spread over those held out. */
const DRAWN = 8;

const NAME = 'detect-stamps';
const ARMS = ['from scratch', 'pretrained'] as const;
type Arm = (typeof ARMS)[number];

const METRICS = [
  ['valBoxAP', 'box AP'],
  ['valBoxAP50', 'box AP50'],
  ['valMaskAP', 'mask AP'],
  ['valBoxAP50Agnostic', 'box AP50, all classes as one'],
] as const;

interface Measured {
  readonly arm: Arm;
  readonly labelled: number;
  readonly seed: number;
  readonly run: FinishedRun;
}

const runner = createRunner(NAME, { jobs: 2, threads: 2 });
const encoders = createRunner('segment-stamps', { jobs: 1, threads: 2 });

async function finetune(
  arm: Arm,
  { labelled, epochs }: { readonly labelled: number; readonly epochs: number },
  seed: number,
  checkpoint: string,
): Promise<Measured> {
  const run = await runner.run(
    `${arm.replaceAll(' ', '-')}-${labelled}-seed${seed}`,
    [
      ...['finetune', 'detect', '--config', `bench/experiments/${NAME}/finetune.yaml`],
      ...['--limit', String(labelled), '--epochs', String(epochs), '--seed', String(seed)],
      // Layers that know nothing yet all learn at the same rate.
      ...(arm === 'pretrained' ? ['--checkpoint', checkpoint] : ['--set', 'optimizer.layerDecay=1']),
    ],
    // Those of one seed are measured by class and drawn with.
    { keepWeights: seed === 0 },
  );
  return { arm, labelled, seed, run };
}

function resultTable(measured: readonly Measured[]): string {
  const cell = (values: readonly number[]): string => {
    const { mean, deviation } = meanOf(values);
    const all = values.map((value) => value.toFixed(3)).join(', ');
    return values.length === 1 ? all : `${mean.toFixed(3)} ± ${deviation.toFixed(3)} (${all})`;
  };
  const rows = BUDGETS.flatMap(({ labelled }) =>
    ARMS.map((arm) => {
      const runs = measured.filter((each) => each.arm === arm && each.labelled === labelled);
      const cells = METRICS.map(([metric]) => cell(runs.map(({ run }) => run.metrics[metric]!)));
      return [`${arm}, ${labelled} labelled pictures`, ...cells];
    }),
  );
  return markdownTable(['', ...METRICS.map(([, title]) => title)], rows);
}

/** Pretrains once on the pictures' own pixels, then compares with random weights at the same budget. */
export async function run(): Promise<void> {
  const pretraining = await encoders.run(
    'pretrain',
    [
      ...['pretrain', '--config', 'bench/experiments/segment-stamps/pretrain.yaml'],
      ...['--epochs', String(PRETRAIN_EPOCHS)],
    ],
    { keepWeights: true },
  );
  const plans = BUDGETS.flatMap((budget) => budget.seeds.flatMap((seed) => ARMS.map((arm) => ({ arm, budget, seed }))));
  const measured = await Promise.all(
    plans.map(({ arm, budget, seed }) => finetune(arm, budget, seed, pretraining.folder)),
  );
  writeResult(`${NAME}.json`, `${JSON.stringify({ pretraining, measured }, null, 2)}\n`);
  const parts = [resultTable(measured)];
  for (const { arm, labelled, run: finished } of measured.filter(({ seed }) => seed === 0)) {
    const { classes, sheet } = await measureModel(finished.folder, DRAWN);
    const rows = classes.rows.map((row) => row.map(String));
    parts.push(`${arm}, ${labelled} labelled pictures, by class:\n\n${markdownTable(classes.columns, rows)}`);
    writeResult(`${NAME}-${arm.replaceAll(' ', '-')}-${labelled}.png`, sheet);
  }
  writeResult(`${NAME}.md`, parts.join('\n'));
}
