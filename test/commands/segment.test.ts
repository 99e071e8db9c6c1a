import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readLabelMap } from '#core/data/targets/label-map.js';
import { labelMapPng } from '#core/data/targets/label-map-png.js';
import { createMeanIou } from '#core/data/targets/mean-iou.js';
import { writeObjectFolder, writeSemanticFolder } from '../pictures/painted-folders.js';
import { jsonLines, runCli } from './run-cli.js';

const MINUTES = 60_000;

let folder: string;
const run = (...args: string[]) => runCli(args, { cwd: folder });
const succeeding = async (...args: string[]): Promise<string> => {
  const { status, stdout, stderr } = await run(...args);
  expect(status, stderr).toBe(0);
  return stdout;
};
const failing = async (...args: string[]): Promise<string> => {
  const { status, stderr } = await run(...args);
  expect(status, args.join(' ')).toBe(1);
  expect(stderr).not.toMatch(/^\s+at /m);
  return stderr;
};
const TINY = ['--config', 'segment.json', '--batch-size', '4', '--workers', '0'];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mae-tasks-segment-'));
  await writeFile(join(folder, 'package.json'), '{}');
  await writeSemanticFolder(join(folder, 'ade'));
  await writeObjectFolder(join(folder, 'coco'));
  const model = { imageSize: [24, 32], patchSize: 8, embedDim: 32, depth: 2, numHeads: 2, mlpRatio: 2 };
  const augmentation = { scale: [1, 1], catMaxRatio: 1, photometric: false };
  const segment = { deconv: { channels: [16, 8] }, augmentation };
  const optimizer = { lr: 4e-3, layerDecay: 1 };
  await writeFile(
    join(folder, 'segment.json'),
    JSON.stringify({ model, segment, optimizer, dropPath: 0, samples: { count: 2 } }),
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('mae-tasks finetune segment, evaluate, predict, export', () => {
  it('learn index maps, measure, answer and export', { timeout: 5 * MINUTES }, async () => {
    const trained = jsonLines(
      await succeeding('finetune', 'segment', '--data', 'ade', ...TINY, '--epochs', '60', '--out', 'maps', '--json'),
    );
    const { metrics } = trained.at(-1) as { metrics: Record<string, number> };
    expect(metrics.valMIoU).toBeGreaterThan(70);
    expect(await readdir(join(folder, 'maps/samples'))).toContain('predictions-epoch-0030.png');

    const shown = await succeeding('evaluate', 'maps');
    expect(shown).toMatch(/valMIoU\s+\d/);
    expect(shown).toMatch(/class\s+pixels %\s+IoU %\s+accuracy %/);
    const measured = JSON.parse(await readFile(join(folder, 'maps/evaluation/metrics.json'), 'utf8')) as {
      metrics: Record<string, number>;
    };
    expect(await readdir(join(folder, 'maps/evaluation'))).toEqual(
      expect.arrayContaining(['classes.csv', 'confusion-matrix.png']),
    );

    const answers = await succeeding(
      'predict',
      'maps',
      'ade/images/validation',
      '--save',
      'out',
      '--draw',
      'drawn',
      '--format',
      'json',
    );
    // The index maps that were written give the numbers that evaluate gave.
    const meanIou = createMeanIou({ numClasses: 3 });
    const masks = (await readdir(join(folder, 'out/masks'), { recursive: true })).filter((name) =>
      name.endsWith('.png'),
    );
    expect(masks).toHaveLength(4);
    for (const name of masks) {
      const truth = readLabelMap(join(folder, 'ade/annotations/validation', name.split('/').at(-1)!));
      meanIou.update(readLabelMap(join(folder, 'out/masks', name)).labels, truth.labels, name);
    }
    expect(100 * meanIou.compute().mIoU).toBeCloseTo(measured.metrics.valMIoU!, 6);
    expect(100 * meanIou.compute().aAcc).toBeCloseTo(measured.metrics.valAAcc!, 6);

    const records = JSON.parse(answers.slice(answers.indexOf('['))) as Array<{
      width: number;
      height: number;
      classes: Array<{ name: string; value: number; pixels: number; share: number }>;
    }>;
    expect(records).toHaveLength(4);
    for (const { width, height, classes } of records) {
      expect([width, height]).toEqual([32, 24]);
      expect(classes.reduce((sum, { pixels }) => sum + pixels, 0)).toBe(32 * 24);
      expect(classes.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9);
    }
    // The overlay of a disc's middle has the disc's colour in it.
    const overlay = (await readdir(join(folder, 'out/overlays'), { recursive: true })).find((name) =>
      name.endsWith('scene-8.png'),
    )!;
    const { data, info } = await sharp(join(folder, 'out/overlays', overlay))
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect([info.width, info.height, info.channels]).toEqual([32, 24, 3]);
    const original = await sharp(join(folder, 'ade/images/validation/scene-8.png')).removeAlpha().raw().toBuffer();
    const middle = 3 * (13 * 32 + 11);
    expect([...data.subarray(middle, middle + 3)]).not.toEqual([...original.subarray(middle, middle + 3)]);

    await succeeding('export', 'maps', '--out', 'model.onnx');
    await succeeding('export', 'maps', '--format', 'safetensors', '--out', 'model.safetensors');
    expect(await readdir(folder)).toEqual(expect.arrayContaining(['model.onnx', 'model.safetensors']));
    // Other ways of asking need no training.
    await succeeding(
      'evaluate',
      'maps',
      '--out',
      'flipped',
      '--set',
      'segment.inference.flip=true',
      'segment.inference.scales=[0.75,1.25]',
    );
  });

  it('learn objects from COCO files, as the same --data serves detection', { timeout: 3 * MINUTES }, async () => {
    const trained = jsonLines(
      await succeeding('finetune', 'segment', '--data', 'coco', ...TINY, '--epochs', '2', '--out', 'objects', '--json'),
    );
    expect((trained.at(-1) as { metrics: Record<string, number> }).metrics.valMIoU).toBeGreaterThan(0);
    await succeeding('evaluate', 'objects');
    const classes = await readFile(join(folder, 'objects/evaluation/classes.csv'), 'utf8');
    expect(classes.split('\n').map((line) => line.split(',')[0])).toEqual(['class', 'background', 'disc', 'bar', '']);
    // A model of other classes is not measured.
    expect(await failing('evaluate', 'objects', '--data', 'ade')).toContain(
      'the class `ground` was not in the training data',
    );
  });

  it('take index maps where a folder has objects too', { timeout: 2 * MINUTES }, async () => {
    await cp(join(folder, 'ade'), join(folder, 'both'), { recursive: true });
    await cp(join(folder, 'coco/annotations'), join(folder, 'both/annotations'), { recursive: true });
    await cp(join(folder, 'coco/images'), join(folder, 'both/images'), { recursive: true });
    const data = ['--data', 'both', ...TINY, '--epochs', '1'];
    await succeeding('finetune', 'segment', ...data, '--out', 'preferred');
    await succeeding('evaluate', 'preferred');
    expect(await readFile(join(folder, 'preferred/evaluation/classes.csv'), 'utf8')).toContain('ground');
    await succeeding('finetune', 'segment', ...data, '--out', 'named', '--set', 'data.format=coco');
    await succeeding('evaluate', 'named');
    expect(await readFile(join(folder, 'named/evaluation/classes.csv'), 'utf8')).toContain('background');
  });
});

describe('bad data', () => {
  const train = (data: string): string[] => [
    'finetune',
    'segment',
    '--data',
    data,
    ...TINY,
    '--epochs',
    '1',
    '--out',
    `${data}-run`,
  ];
  const broken = async (name: string, change: (path: string) => Promise<void>): Promise<string> => {
    await cp(join(folder, 'ade'), join(folder, name), { recursive: true });
    await change(join(folder, name));
    return name;
  };
  const mapOf = (labels: (index: number) => number, width = 32): Uint8Array =>
    labelMapPng({ width, height: 24, labels: new Uint8Array(width * 24).map((_, index) => labels(index)) });

  it('ends with what is wrong, where, and what to do', { timeout: 3 * MINUTES }, async () => {
    const beyond = await broken('beyond', (path) =>
      writeFile(
        join(path, 'annotations/training/scene-3.png'),
        mapOf(() => 9),
      ),
    );
    expect(await failing(...train(beyond))).toMatch(/holds 9, which is no class .*scene-3\.png/s);

    const sized = await broken('sized', (path) =>
      writeFile(
        join(path, 'annotations/training/scene-3.png'),
        mapOf(() => 1, 20),
      ),
    );
    expect(await failing(...train(sized), '--on-bad-image', 'fail')).toMatch(
      /index map is 20 × 24, its picture scene-3\.png 32 × 24/,
    );

    const empty = await broken('empty', async (path) => {
      for (const split of ['training', 'validation']) {
        for (const name of await readdir(join(path, 'annotations', split))) {
          await writeFile(
            join(path, 'annotations', split, name),
            mapOf(() => 255),
          );
        }
      }
    });
    expect(await failing(...train(empty))).toMatch(/no pixel of 8 pictures is labelled/);

    const nameless = await broken('nameless', (path) => rm(join(path, 'classes.txt')));
    expect(await failing(...train(nameless))).toMatch(/have no names .* list them in classes.txt/s);
    expect(await failing(...train('ade/images'))).toMatch(/neither index maps nor objects with masks/);
  });
});
