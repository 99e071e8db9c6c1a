import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { tiffFile } from '../data/images/tiff-file.js';
import { labelledPictures } from '../pictures/labelled-pictures.js';
import { jsonLines } from './run-cli.js';
import { TINY_MODEL } from './tiny-model.js';
import { MINUTES, useWorkFolder } from './work-folder.js';

const { path, succeeding, failing, run } = useWorkFolder();
const CLASSES = ['across', 'both', 'down'];

async function writeClasses(into: string, count: number): Promise<void> {
  const data = labelledPictures({ count, classNames: CLASSES });
  for (let index = 0; index < count; index++) {
    const { image, target } = data.item(index);
    if (image.kind !== 'pixels') continue;
    const place = path(into, CLASSES[target as number]!);
    await mkdir(place, { recursive: true });
    const raw = { width: image.width, height: image.height, channels: 3 as const };
    await sharp(image.data, { raw })
      .png()
      .toFile(join(place, `${index}.png`));
  }
}

/** Values of 12 bits. */
async function writeWide(into: string, count: number): Promise<void> {
  await mkdir(path(into), { recursive: true });
  for (let index = 0; index < count; index++) {
    const samples = Uint16Array.from({ length: 32 * 32 }, (_, at) => ((at + 40 * index) * 3) % 3001);
    await writeFile(path(into, `${index}.tif`), tiffFile({ width: 32, height: 32, samples }));
  }
}

beforeAll(async () => {
  await writeFile(path('package.json'), '{}');
  await writeClasses('photos/train', 24);
  await writeClasses('photos/val', 12);
  // The first picture, the last one, and a whole batch of two.
  for (const broken of ['across/0.png', 'across/3.png', 'across/6.png', 'down/11.png']) {
    await writeFile(path('photos/val', broken), '');
  }
  await writeWide('wide', 12);
  const common = ['--epochs', '1', '--batch-size', '4', '--workers', '0'];
  await succeeding('pretrain', '--data', 'photos/train', ...TINY_MODEL, ...common, '--out', 'pre');
  const tuned = ['finetune', 'classify', '--data', 'photos', '--checkpoint', 'pre', ...common];
  await succeeding(...tuned, '--out', 'tuned');
  await succeeding(...tuned, '--mode', 'linear-probe', '--out', 'probe');
}, 3 * MINUTES);

describe('broken pictures where each counts once', () => {
  it.each(['tuned', 'probe'])('evaluate measures %s on the others, and says how many these are', async (name) => {
    for (const batchSize of ['2', '5']) {
      const { stdout, stderr, status } = await run('evaluate', name, '--data', 'photos', '--batch-size', batchSize);
      expect(status).toBe(0);
      expect(stdout).toMatch(/8 of 12 pictures/);
      expect(stdout).toMatch(/across +1 [^]*both +4 [^]*down +3 /);
      expect(stderr).toMatch(/left out: the file is empty — .*across.0\.png/);
      expect(stderr).toMatch(/4 of 12 pictures cannot be used and were left out\./);
      const metrics = JSON.parse(await readFile(path(name, 'evaluation/metrics.json'), 'utf8')) as object;
      expect(metrics).toMatchObject({ pictures: 8 });
      expect(metrics).toHaveProperty('leftOut.length', 4);
      const training = jsonLines(await readFile(path(name, 'metrics.jsonl'), 'utf8'));
      const { valTop1 } = (metrics as { readonly metrics: Record<string, number> }).metrics;
      expect(training.findLast((record) => 'valTop1' in record)?.valTop1).toBeCloseTo(valTop1!, 6);
    }
  });

  it('predict and embed give one row for each of the others', async () => {
    const answers = await succeeding('predict', 'tuned', 'photos/val', '--format', 'csv', '--batch-size', '2');
    const names = new Set(
      answers
        .trim()
        .split('\n')
        .slice(1)
        .map((line) => line.split(',')[0]),
    );
    expect(names.size).toBe(8);
    const predicted = jsonLines(await succeeding('predict', 'tuned', 'photos/val', '--json'));
    const ids = predicted.filter(({ type }) => type === 'prediction').map(({ picture }) => picture);
    expect([ids.length, new Set(ids).size]).toEqual([8, 8]);
    expect(predicted.at(-1)).toMatchObject({ type: 'predictions', pictures: 8 });
    await succeeding('embed', 'pre', 'photos/val', '--out', 'features.csv', '--batch-size', '2');
    const rows = (await readFile(path('features.csv'), 'utf8')).trim().split('\n').slice(1);
    expect(new Set(rows.map((line) => line.split(',')[0])).size).toBe(8);
    expect(rows).toHaveLength(8);
  });

  it('nothing but broken ones is an error', async () => {
    await mkdir(path('empty'), { recursive: true });
    for (const name of ['a.png', 'b.jpg']) await writeFile(path('empty', name), '');
    const sentence = /no picture can be used; the last: the file is empty/;
    expect(await failing('predict', 'tuned', 'empty')).toMatch(sentence);
    expect(await failing('embed', 'pre', 'empty', '--out', 'none.csv')).toMatch(sentence);
    expect(await failing('visualize', '--checkpoint', 'pre', '--data', 'empty')).toMatch(sentence);
  });
});

describe('pictures of 12 bits', () => {
  it('are refused by a check and a training alike, with the setting that helps, which the run keeps', async () => {
    const advice = /values reach 3000 of 65535: pictures would be nearly black.*--set 'data\.valueRange=\[0,4095\]'/;
    const checked = await run('data', 'check', 'wide');
    expect(checked.status).toBe(1);
    expect(checked.stdout).toMatch(advice);
    const train = ['pretrain', '--data', 'wide', ...TINY_MODEL, '--epochs', '1', '--batch-size', '4', '--workers', '0'];
    expect(await failing(...train, '--out', 'black')).toMatch(advice);
    const set = ['--set', 'data.valueRange=[0,4095]'];
    await succeeding('data', 'check', 'wide', ...set);
    await succeeding(...train, ...set, '--out', 'seen');
    expect(await readFile(path('seen/config.yaml'), 'utf8')).toMatch(/valueRange:\s+- 0\s+- 4095/);
    await succeeding('embed', 'seen', 'wide', '--out', 'seen.csv');
    const spread = async (file: string): Promise<number> => {
      const rows = (await readFile(path(file), 'utf8')).trim().split('\n').slice(1);
      const first = rows.map((line) => line.split(',').slice(1).map(Number));
      return Math.max(...first[0]!.map((value, index) => Math.abs(value - first[7]![index]!)));
    };
    expect(await spread('seen.csv')).toBeGreaterThan(0);
  });
});
