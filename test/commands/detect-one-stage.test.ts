import { readFile, writeFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { TINY_ONE_STAGE } from '../detect/tiny-detector.js';
import { writeObjectPictures } from '../pictures/object-pictures.js';
import { expectExportAgrees, resultsIn } from './exported-answers.js';
import { finished, jsonLines, startCli } from './run-cli.js';
import { expectSameWeights } from './weights.js';
import { MINUTES, useWorkFolder } from './work-folder.js';

const { path, succeeding } = useWorkFolder();

const TRAIN = [
  ...['finetune', 'detect', '--data', 'shapes', '--config', 'one-stage.json', '--epochs', '4'],
  ...['--seed', '3', '--workers', '0'],
];

describe('a detector of one stage, trained on composed pictures', () => {
  beforeAll(async () => {
    await writeFile(path('package.json'), '{}');
    await writeObjectPictures(path('shapes'), 12, 6);
    const model = { imageSize: 64, patchSize: 8, embedDim: 32, depth: 4, numHeads: 2 };
    const settings = { model, detect: TINY_ONE_STAGE, dropPath: 0.2, optimizer: { lr: 4e-3, ema: 0.5 } };
    await writeFile(path('one-stage.json'), JSON.stringify({ ...settings, samples: { count: 2 } }));
    await succeeding(...TRAIN, '--out', 'run');
  }, 3 * MINUTES);

  it('learns, its loss the sum of four', async () => {
    const lines = jsonLines(await readFile(path('run/metrics.jsonl'), 'utf8'));
    const steps = lines.filter(({ phase }) => phase === 'train') as Array<Record<string, number>>;
    const lossOf = (epoch: number): number =>
      steps.filter((step) => step.epoch === epoch).reduce((sum, { loss }) => sum + loss!, 0);
    expect(lossOf(4)).toBeLessThan(lossOf(1));
    for (const step of steps) {
      const terms = ['lossCls', 'lossBox', 'lossDfl', 'lossMask'];
      expect(terms.reduce((total, term) => total + step[term]!, 0)).toBeCloseTo(step.loss!, 4);
    }
  });

  it('takes the recipe of its head by itself, and keeps a moving average', async () => {
    const config = await readFile(path('run/config.yaml'), 'utf8');
    expect(config).toMatch(/^recipe: one-stage$/m);
    expect(config).toMatch(/^ {2}ema: 0\.5$/m);
    expect(config).toMatch(/^ {2}layerDecay: 1$/m);
  });

  it(
    'is exported as one program that answers the same',
    async () => {
      const results = resultsIn(await succeeding('predict', 'run', 'shapes/val', '--format', 'json'));
      expect(results.length).toBeGreaterThan(0);
      await succeeding('export', 'run', '--out', 'model.onnx');
      await expectExportAgrees({ stem: path('model'), pictures: path('shapes/val') }, ['points'], results);
    },
    3 * MINUTES,
  );

  it(
    'goes on where a signal stopped it, and ends as if there had been none',
    async () => {
      const child = startCli([...TRAIN, '--out', 'stopped', '--json'], { cwd: path() });
      child.stdout.on('data', (chunk: Buffer) => {
        if (chunk.toString().includes('"step":4')) child.kill('SIGTERM');
      });
      expect((await finished(child)).status).toBe(143);
      await succeeding('finetune', 'detect', '--resume', 'stopped');
      await expectSameWeights(path('stopped'), path('run'));
    },
    3 * MINUTES,
  );
});
