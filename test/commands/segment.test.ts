import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { classColor } from '#core/data/images/class-colors.js';
import { readLabelMap } from '#core/data/targets/label-map.js';
import { labelMapPng } from '#core/data/targets/label-map-png.js';
import { createMeanIou } from '#core/data/targets/mean-iou.js';
import { writeObjectFolder, writeSemanticFolder } from '../pictures/painted-folders.js';
import { jsonLines } from './run-cli.js';
import { MINUTES, useWorkFolder } from './work-folder.js';

const { path, succeeding, failing } = useWorkFolder();
const TINY = ['--config', 'segment.json', '--batch-size', '4', '--workers', '0'];

type Metrics = Readonly<Record<string, number>>;

/** Trains and returns the metrics of the best epoch, whose weights a run is used with. */
async function train(data: string, out: string, epochs: number, ...more: string[]): Promise<Metrics> {
  const flags = ['--data', data, ...TINY, '--epochs', String(epochs), '--out', out];
  await succeeding('finetune', 'segment', ...flags, ...more);
  const records = jsonLines(await readFile(path(out, 'metrics.jsonl'), 'utf8')) as unknown as Metrics[];
  const measured = records.filter(({ valMIoU }) => valMIoU !== undefined);
  expect(measured).toHaveLength(epochs);
  return measured.reduce((best, record) => (record.valMIoU! > best.valMIoU! ? record : best));
}

async function measuredOf(run: string): Promise<Metrics> {
  const text = await readFile(path(run, 'evaluation/metrics.json'), 'utf8');
  return (JSON.parse(text) as { metrics: Metrics }).metrics;
}

beforeAll(async () => {
  await writeFile(path('package.json'), '{}');
  await writeSemanticFolder(path('ade'));
  await writeObjectFolder(path('coco'));
  const model = { imageSize: [24, 32], patchSize: 8, embedDim: 32, depth: 2, numHeads: 2, mlpRatio: 2 };
  const augmentation = { scale: [1, 1], catMaxRatio: 1, photometric: false };
  const segment = { deconv: { channels: [16, 8] }, augmentation };
  const optimizer = { lr: 4e-3, layerDecay: 1 };
  await writeFile(
    path('segment.json'),
    JSON.stringify({ model, segment, optimizer, dropPath: 0, samples: { count: 2 } }),
  );
});

describe('a segmentation of index maps', () => {
  let metrics: Metrics;
  let evaluated: string;
  let records: ReadonlyArray<{
    width: number;
    height: number;
    classes: Array<{ name: string; value: number; pixels: number; share: number }>;
  }>;
  /** Paths of what was written for each picture, by the picture's name. */
  let written: Readonly<Record<'masks' | 'overlays', ReadonlyMap<string, string>>>;

  beforeAll(async () => {
    metrics = await train('ade', 'maps', 60);
    evaluated = await succeeding('evaluate', 'maps');
    const where = ['--save', 'out', '--draw', 'drawn', '--format', 'json'];
    const answers = await succeeding('predict', 'maps', 'ade/images/validation', ...where);
    records = JSON.parse(answers.slice(answers.indexOf('['))) as typeof records;
    const filesIn = async (folder: string): Promise<Map<string, string>> => {
      const names = await readdir(path(folder), { recursive: true });
      const pictures = names.filter((name) => name.endsWith('.png'));
      return new Map(pictures.map((name) => [name.split('/').at(-1)!, path(folder, name)]));
    };
    written = { masks: await filesIn('out/masks'), overlays: await filesIn('out/overlays') };
  }, 5 * MINUTES);

  it('is learned, and drawn on the way', async () => {
    expect(metrics.valMIoU).toBeGreaterThan(70);
    expect(await readdir(path('maps/samples'))).toContain('predictions-epoch-0030.png');
  });

  it('is measured again by evaluate, with the same numbers', async () => {
    expect(evaluated).toMatch(/valMIoU\s+\d/);
    expect(evaluated).toMatch(/class\s+pixels %\s+IoU %\s+accuracy %/);
    expect(await readdir(path('maps/evaluation'))).toEqual(
      expect.arrayContaining(['classes.csv', 'confusion-matrix.png']),
    );
    const measured = await measuredOf('maps');
    expect(measured.valMIoU).toBeCloseTo(metrics.valMIoU!, 6);
    expect(measured.valAAcc).toBeCloseTo(metrics.valAAcc!, 6);
  });

  it('is predicted as index maps that give the numbers of evaluate', async () => {
    const meanIou = createMeanIou({ numClasses: 3 });
    expect(written.masks.size).toBe(4);
    for (const [name, file] of written.masks) {
      const truth = readLabelMap(path('ade/annotations/validation', name));
      meanIou.update(readLabelMap(file).labels, truth.labels, name);
    }
    const measured = await measuredOf('maps');
    expect(100 * meanIou.compute().mIoU).toBeCloseTo(measured.valMIoU!, 6);
    expect(100 * meanIou.compute().aAcc).toBeCloseTo(measured.valAAcc!, 6);
  });

  it('is predicted as shares of classes that make up each picture', () => {
    expect(records).toHaveLength(4);
    for (const { width, height, classes } of records) {
      expect([width, height]).toEqual([32, 24]);
      expect(classes.reduce((sum, { pixels }) => sum + pixels, 0)).toBe(32 * 24);
      expect(classes.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9);
    }
  });

  it('is drawn in its classes’ colours: six parts of the colour and four of the picture, darker at borders', async () => {
    const { data, info } = await sharp(written.overlays.get('scene-8.png')).raw().toBuffer({ resolveWithObject: true });
    expect([info.width, info.height, info.channels]).toEqual([32, 24, 3]);
    const original = await sharp(path('ade/images/validation/scene-8.png')).removeAlpha().raw().toBuffer();
    const { labels } = readLabelMap(written.masks.get('scene-8.png')!);
    const expected = Array.from(original, (value, at) => {
      const i = Math.floor(at / 3);
      const [right, below] = [i % 32 < 31 ? i + 1 : i, i < 32 * 23 ? i + 32 : i];
      const isBorder = labels[right] !== labels[i] || labels[below] !== labels[i];
      const mixed = 0.4 * value + 0.6 * classColor(labels[i]!)[at % 3]!;
      return Math.round(isBorder ? 0.4 * mixed : mixed);
    });
    expect(new Set(labels)).toEqual(new Set([0, 1, 2]));
    expect([...data]).toEqual(expected);
  });

  it('is exported', async () => {
    await succeeding('export', 'maps', '--out', 'model.onnx');
    await succeeding('export', 'maps', '--format', 'safetensors', '--out', 'model.safetensors');
    expect(await readdir(path())).toEqual(expect.arrayContaining(['model.onnx', 'model.safetensors']));
  });

  it('is asked in other ways without training again', async () => {
    const ways = ['segment.inference.flip=true', 'segment.inference.scales=[0.75,1.25]'];
    const lines = jsonLines(await succeeding('evaluate', 'maps', '--out', 'flipped', '--json', '--set', ...ways));
    const [{ metrics: asked }] = lines as unknown as [{ metrics: Metrics }];
    expect(asked.valMIoU).toBeGreaterThan(50);
    expect(asked.valMIoU).not.toBe(metrics.valMIoU);
  });
});

describe('a segmentation of objects', () => {
  let metrics: Metrics;
  beforeAll(async () => {
    metrics = await train('coco', 'objects', 2);
    await succeeding('evaluate', 'objects');
  }, 3 * MINUTES);

  it('is learned from COCO files, as the same --data serves detection', async () => {
    const measured = await measuredOf('objects');
    expect(measured.valMIoU).toBeCloseTo(metrics.valMIoU!, 6);
    const classes = await readFile(path('objects/evaluation/classes.csv'), 'utf8');
    expect(classes.split('\n').map((line) => line.split(',')[0])).toEqual(['class', 'background', 'disc', 'bar', '']);
  });

  it('is not measured on other classes', async () => {
    expect(await failing('evaluate', 'objects', '--data', 'ade')).toContain(
      'the class `ground` was not in the training data',
    );
  });
});

describe('a folder with index maps and objects', () => {
  beforeAll(async () => {
    await cp(path('ade'), path('both'), { recursive: true });
    await cp(path('coco/annotations'), path('both/annotations'), { recursive: true });
    await cp(path('coco/images'), path('both/images'), { recursive: true });
  });

  it.each([
    { what: 'the maps', flags: [], first: 'ground' },
    { what: 'the objects where they are named', flags: ['--set', 'data.format=coco'], first: 'background' },
  ])(
    'gives $what',
    async ({ flags, first }) => {
      await train('both', first, 1, ...flags);
      await succeeding('evaluate', first);
      expect(await readFile(path(first, 'evaluation/classes.csv'), 'utf8')).toContain(`\n${first},`);
    },
    MINUTES,
  );
});

describe('bad data ends with what is wrong, where, and what to do', () => {
  const trainOn = (data: string): string[] => [
    ...['finetune', 'segment', '--data', data, ...TINY, '--epochs', '1', '--out', `${data}-run`],
  ];
  const mapOf = (label: number, width = 32): Uint8Array =>
    labelMapPng({ width, height: 24, labels: new Uint8Array(width * 24).fill(label) });
  const replaceMap = (map: Uint8Array) => (folder: string) =>
    writeFile(join(folder, 'annotations/training/scene-3.png'), map);
  const emptyMaps = async (folder: string): Promise<void> => {
    for (const split of ['training', 'validation']) {
      const maps = join(folder, 'annotations', split);
      for (const name of await readdir(maps)) await writeFile(join(maps, name), mapOf(255));
    }
  };

  it.each<{ what: string; change: (folder: string) => Promise<void>; flags?: string[]; message: RegExp }>([
    {
      what: 'a value that is no class',
      change: replaceMap(mapOf(9)),
      message: /holds 9, which is no class .*scene-3\.png/s,
    },
    {
      what: 'a map of another size',
      change: replaceMap(mapOf(1, 20)),
      flags: ['--on-bad-image', 'fail'],
      message: /index map is 20 × 24, its picture scene-3\.png 32 × 24/,
    },
    { what: 'maps without labels', change: emptyMaps, message: /no pixel of 8 pictures is labelled/ },
    {
      what: 'classes without names',
      change: (folder) => rm(join(folder, 'classes.txt')),
      message: /have no names .* list them in classes.txt/s,
    },
  ])(
    '$what',
    async ({ what, change, flags = [], message }) => {
      const name = what.replaceAll(' ', '-');
      await cp(path('ade'), path(name), { recursive: true });
      await change(path(name));
      expect(await failing(...trainOn(name), ...flags)).toMatch(message);
    },
    MINUTES,
  );

  it('pictures alone', async () => {
    expect(await failing(...trainOn('ade/images'))).toMatch(/neither index maps nor objects with masks/);
  });
});
