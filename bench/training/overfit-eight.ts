import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createEngine } from '../../packages/core-mae/src/engine/select.js';
import { writeFileAtomically } from '../../packages/core-mae/src/base/atomic-write.js';
import type { Dataset } from '../../packages/core-mae/src/contracts/dataset.js';
import { checkSettings } from '../../packages/core-mae/src/base/check-settings.js';
import { readingSettings } from '../../packages/core-mae/src/train/settings/data-settings.js';
import { assemblePretraining } from '../../packages/core-mae/src/train/pretraining/assemble.js';
import { pretrainSettings } from '../../packages/core-mae/src/train/settings/pretrain-settings.js';
import { train } from '../../packages/core-mae/src/train/loop/training.js';

/** Unicode code points of the eight pictures, as the package names its files. */
const PICTURES = ['1f34e', '1f436', '1f697', '1f33b', '1f419', '1f355', '1f984', '1f30d'];
const STEPS = 800;

const assets = join(dirname(createRequire(import.meta.url).resolve('@lobehub/fluent-emoji-3d/package.json')), 'assets');
const out = fileURLToPath(new URL('../../docs/overfit-eight.png', import.meta.url));

const pictures: Dataset = {
  name: 'eight pictures',
  size: PICTURES.length,
  warnings: [],
  item: (index) => ({ id: PICTURES[index]!, image: { kind: 'file', path: join(assets, `${PICTURES[index]}.webp`) } }),
};

/**
 * Whether a model can learn eight pictures by heart: the share of the loss that is left, at most 0.03. Draws
 * docs/overfit-eight.png.
 */
export async function run(): Promise<object> {
  const engine = await createEngine();
  const settings = checkSettings(pretrainSettings, {
    model: { preset: 'tiny', imageSize: 64, patchSize: 8 },
    epochs: STEPS,
    batchSize: PICTURES.length,
    normPixLoss: false,
    augmentation: { cropScale: [1, 1], cropRatio: [1, 1], flip: 0 },
    optimizer: { lr: 1e-3, warmupEpochs: 20, weightDecay: 0 },
  });
  const reading = checkSettings(readingSettings, {});
  const training = await assemblePretraining({ ...settings, data: reading }, { engine, pictures: { train: pictures } });
  const losses: number[] = [];
  for await (const { loss } of train(training)) losses.push(loss);
  const { objective, state, loop, data } = training;
  const samples = await data.drawnSamples(PICTURES.length);
  const random = loop.random.fork('draw');
  const [drawing] = await objective.draw!({ engine, parameters: state.parameters, samples, random });
  await writeFileAtomically(out, drawing!.png);
  await data.close();
  await engine.dispose();
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [first, last] = [mean(losses.slice(0, 10)), mean(losses.slice(-10))];
  return { name: 'overfit-eight', ratio: last / first, limit: 0.03, firstLoss: first, lastLoss: last, steps: STEPS };
}
