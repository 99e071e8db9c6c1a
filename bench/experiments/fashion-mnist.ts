import { type Ablation, type Arm, ARMS, type Measured } from './fashion-mnist/outcome.js';
import { report } from './fashion-mnist/report.js';
import { createRunner } from './runner.js';

const runner = createRunner('fashion-mnist', { jobs: 2, threads: 2 });
const config = (name: string): string[] => ['--config', `bench/experiments/fashion-mnist/${name}.yaml`];

const CLASSES = 10;
const SEEDS = [0, 1, 2];

/** How long a classifier is trained at each number of labels. Fine-tuning from random weights gets the same. */
const LABELS = [
  // 400 steps, as in the run that is to be matched
  { labels: 100, seeds: SEEDS, finetune: { epochs: 200, batchSize: 50 }, probeEpochs: 500 },
  { labels: 1_000, seeds: SEEDS, finetune: { epochs: 20, batchSize: 50 }, probeEpochs: 200 },
  // 234 and 468 steps of larger batches
  { labels: 10_000, seeds: [0], finetune: { epochs: 3, batchSize: 128 }, probeEpochs: 60 },
  { labels: 60_000, seeds: [0], finetune: { epochs: 1, batchSize: 128 }, probeEpochs: 20 },
];

interface Classifier {
  readonly arm: Arm;
  readonly checkpoint?: string;
  readonly labels: number;
  readonly seed: number;
  readonly epochs: number;
  readonly batchSize?: number;
  /** Of partial tuning. */
  readonly blocks?: number;
}

/** Trains a classifier and measures it once, at the end. */
async function classify(name: string, options: Classifier): Promise<Measured> {
  const { arm, checkpoint, labels, seed, epochs, batchSize, blocks } = options;
  const run = await runner.run(name, [
    ...['finetune', 'classify', ...config(arm.startsWith('linear probe') ? 'probe' : 'finetune')],
    ...(checkpoint === undefined ? [] : ['--checkpoint', checkpoint]),
    ...(labels < 60_000 ? ['--set', `data.limitPerClass=${labels / CLASSES}`] : []),
    ...(arm === 'from scratch' ? ['--set', 'optimizer.layerDecay=1'] : []),
    ...(blocks === undefined ? [] : ['--mode', 'partial', '--blocks', String(blocks)]),
    ...['--epochs', String(epochs), '--seed', String(seed)],
    ...(batchSize === undefined ? [] : ['--batch-size', String(batchSize)]),
  ]);
  return { value: run.metrics.valTop1!, run };
}

/** Pretraining against none, from 100 labels to all. */
function compareLabels(checkpoint: string, plans: typeof LABELS) {
  return plans.flatMap(({ labels, seeds, finetune, probeEpochs }) =>
    ARMS.map(async (arm) => {
      const start = arm === 'fine-tuned' || arm === 'linear probe' ? { checkpoint } : {};
      const budget = arm.startsWith('linear probe') ? { epochs: probeEpochs } : finetune;
      const name = (seed: number): string => `labels/${arm.replaceAll(' ', '-')}-${labels}-seed${seed}`;
      const results = seeds.map((seed) => classify(name(seed), { arm, labels, seed, ...start, ...budget }));
      return { labels, arm, results: await Promise.all(results) };
    }),
  );
}

/** Accuracy at 1,000 labels against how many of the last blocks are tuned (He et al. 2022, figure 9). */
function compareBlocks(checkpoint: string) {
  const { labels, finetune, probeEpochs } = LABELS[1]!;
  const common = { checkpoint, labels, seed: 0 };
  return [0, 0.5, 1, 2, 4, 6].map(async (blocks) => {
    // The two ends are runs of the comparison by labels: nothing of the encoder tuned, and all of it.
    const [name, options] =
      blocks === 0
        ? [`labels/linear-probe-${labels}-seed0`, { arm: 'linear probe', epochs: probeEpochs } as const]
        : blocks === 6
          ? [`labels/fine-tuned-${labels}-seed0`, { arm: 'fine-tuned', ...finetune } as const]
          : [`blocks/${blocks}`, { arm: 'fine-tuned', blocks, ...finetune } as const];
    return { blocks, result: await classify(name, { ...common, ...options }) };
  });
}

const MASK_RATIOS = [0.1, 0.3, 0.5, 0.75, 0.9];

/** Pretrainings of a fifth of the steps on a sixth of the pictures, each differing from the first in one thing. */
const ABLATIONS: ReadonlyArray<{
  readonly name: string;
  readonly maskRatio?: number;
  readonly set?: readonly string[];
}> = [
  { name: 'random masking, decoder of 2 blocks, normalised pixels' },
  ...MASK_RATIOS.filter((ratio) => ratio !== 0.75).map((maskRatio) => ({ name: `mask ratio ${maskRatio}`, maskRatio })),
  { name: 'block masking', set: ['maskStrategy=block'] },
  { name: 'grid masking', set: ['maskStrategy=grid'] },
  { name: 'decoder of 1 block', set: ['model.decoderDepth=1'] },
  { name: 'decoder of 4 blocks', set: ['model.decoderDepth=4'] },
  { name: 'pixels, not normalised', set: ['normPixLoss=false'] },
];

/** One after the other, so that the other runs keep their share of the machine. */
async function ablate(): Promise<Ablation[]> {
  const ablations: Ablation[] = [];
  for (const { name, maskRatio = 0.75, set = [] } of ABLATIONS) {
    const place = `ablations/${name.replaceAll(/[^a-z0-9.]+/giu, '-')}`;
    const pretraining = await runner.run(
      `${place}/pretrain`,
      [
        ...['pretrain', ...config('pretrain'), '--limit', '10000', '--epochs', '10', '--batch-size', '128'],
        ...['--mask-ratio', String(maskRatio)],
        ...set.flatMap((each) => ['--set', each]),
      ],
      { keepWeights: true },
    );
    const common = { checkpoint: pretraining.folder, labels: 1_000, seed: 0 };
    const probe = await classify(`${place}/probe`, { ...common, arm: 'linear probe', epochs: 200 });
    const finetuned = await classify(`${place}/finetune`, { ...common, arm: 'fine-tuned', epochs: 10, batchSize: 50 });
    ablations.push({ name, maskRatio, probe, finetuned });
  }
  return ablations;
}

/** Runs everything that is not finished yet, then writes the tables and the plots. */
export async function run(): Promise<void> {
  const ablations = ablate();
  const comparisons = runner
    .run('pretrain', ['pretrain', ...config('pretrain')], { keepWeights: true })
    .then(async (pretraining) => {
      const checkpoint = pretraining.folder;
      // In the order of their worth, should there be no time for all.
      const few = compareLabels(checkpoint, LABELS.slice(0, 2));
      const blocks = compareBlocks(checkpoint);
      const many = compareLabels(checkpoint, LABELS.slice(2));
      return { pretraining, labels: await Promise.all([...few, ...many]), blocks: await Promise.all(blocks) };
    });
  await report({ ...(await comparisons), ablations: await ablations });
}
