import { type Ablation, report } from './fashion-mnist-ablations/report.js';
import { classify, config, runner } from './fashion-mnist/classify.js';

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

/** Runs every pretraining with its probe and its fine-tuning, then writes the table and the plot. */
export async function run(): Promise<void> {
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
      { keepWeights: true, alone: true },
    );
    const common = { checkpoint: pretraining.folder, labels: 1_000, seed: 0 };
    const probe = await classify(`${place}/probe`, { ...common, arm: 'linear probe', epochs: 200 });
    const finetuned = await classify(`${place}/finetune`, { ...common, arm: 'fine-tuned', epochs: 10, batchSize: 50 });
    ablations.push({ name, maskRatio, probe, finetuned });
  }
  await report(ablations);
}
