import { classify, config, runner } from './fashion-mnist/classify.js';
import { ARMS } from './fashion-mnist/outcome.js';
import { report } from './fashion-mnist/report.js';

const SEEDS = [0, 1, 2];

/** Of several settings the best with 100 labels, on 10,000 pictures held out of those to train on. */
const TUNING = [
  'classify.augmentation.randAugment=rand-m9-mstd0.5-inc1',
  'classify.augmentation.cropScale=null',
  'optimizer.layerDecay=0.65',
];

/** How long a classifier is trained at each number of labels. Fine-tuning from random weights gets the same. */
const LABELS = [
  // 400 steps, as in the run that is to be matched
  { labels: 100, seeds: SEEDS, finetune: { epochs: 200, batchSize: 50 }, probeEpochs: 500 },
  { labels: 1_000, seeds: SEEDS, finetune: { epochs: 20, batchSize: 50 }, probeEpochs: 200 },
  // 468 steps of larger batches
  { labels: 10_000, seeds: [0], finetune: { epochs: 6, batchSize: 128 }, probeEpochs: 60 },
  { labels: 60_000, seeds: [0], finetune: { epochs: 1, batchSize: 128 }, probeEpochs: 20 },
];

/** Pretraining against none, from 100 labels to all. */
function compareLabels(checkpoint: string, plans: typeof LABELS) {
  return plans.flatMap(({ labels, seeds, finetune, probeEpochs }) =>
    ARMS.map(async (arm) => {
      const start = arm === 'fine-tuned' || arm === 'linear probe' ? { checkpoint } : {};
      const budget = arm.startsWith('linear probe') ? { epochs: probeEpochs } : finetune;
      const name = (seed: number): string => `labels/${arm.replaceAll(' ', '-')}-${labels}-seed${seed}`;
      const results = seeds.map((seed) =>
        classify(name(seed), { arm, labels, seed, tuning: TUNING, ...start, ...budget }),
      );
      return { labels, arm, results: await Promise.all(results) };
    }),
  );
}

/** Accuracy at 1,000 labels against how many of the last blocks are tuned (He et al. 2022, figure 9). */
function compareBlocks(checkpoint: string) {
  const { labels, finetune, probeEpochs } = LABELS[1]!;
  const common = { checkpoint, labels, seed: 0, tuning: TUNING };
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

/** Runs everything that is not finished yet, then writes the tables and the plots. */
export async function run(): Promise<void> {
  const pretraining = await runner.run('pretrain', ['pretrain', ...config('pretrain')], {
    keepWeights: true,
    alone: true,
  });
  const checkpoint = pretraining.folder;
  // In the order of their worth, should there be no time for all.
  const few = compareLabels(checkpoint, LABELS.slice(0, 2));
  const blocks = compareBlocks(checkpoint);
  const many = compareLabels(checkpoint, LABELS.slice(2));
  const labels = await Promise.all([...few, ...many]);
  await report({ pretraining, labels, blocks: await Promise.all(blocks) });
}
