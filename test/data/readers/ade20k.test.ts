import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PNG } from 'pngjs';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ade20kReader, semanticDataset } from '#core/data/readers/ade20k.js';
import { checkData } from '#core/data/tools/check-data.js';
import { readLabelMap, reduceZeroLabel } from '#core/data/targets/label-map.js';
import { loadLabels, transformLabels } from '#core/data/targets/semantic-target.js';

const folder = mkdtempSync(join(tmpdir(), 'mae-ade-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});
function put(name: string, bytes: string | Uint8Array): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
  return path;
}
function greyPng(values: number[], width: number): Buffer {
  const png = new PNG({ width, height: values.length / width });
  values.forEach((value, i) => png.data.set([value, value, value, 255], 4 * i));
  return PNG.sync.write(png, { colorType: 0 });
}

const values = [0, 1, 2, 3, 150, 255];

beforeAll(async () => {
  const names = Array.from({ length: 150 }, (_, i) => `${i + 1}\t0.1\t1\t1\t0\tclass ${i + 1}`);
  put('ade/objectInfo150.txt', `Idx\tRatio\tTrain\tVal\tStuff\tName\n${names.join('\n')}\n`);
  const picture = await sharp({ create: { width: 3, height: 2, channels: 3, background: 'red' } })
    .jpeg()
    .toBuffer();
  for (const split of ['training', 'validation']) {
    put(`ade/images/${split}/a.jpg`, picture);
    put(`ade/annotations/${split}/a.png`, greyPng(values, 3));
  }
  put('ade/images/training/b.jpg', picture);
  put('ade/annotations/training/c.png', greyPng(values, 3));
});

describe('index maps', () => {
  it('are read as stored, from grey, from a palette with equal colours, and from 1, 2, 4 and 16 bits', async () => {
    expect(readLabelMap(put('grey.png', greyPng(values, 3)))).toEqual({
      width: 3,
      height: 2,
      labels: Uint8Array.from(values),
    });
    const indexed = await sharp(Uint8Array.from([10, 20, 30, 40, 30, 20]), {
      raw: { width: 3, height: 2, channels: 1 },
    })
      .toColourspace('b-w')
      .png({ palette: true })
      .toBuffer();
    expect(indexed[25]).toBe(3);
    const map = readLabelMap(put('palette.png', indexed));
    expect(new Set(map.labels).size).toBe(4);
    expect(Math.max(...map.labels)).toBe(3);
    expect(map.labels[1]).toBe(map.labels[5]);
    const deep = await sharp(Uint16Array.from([0, 1, 300, 65535, 7, 255]), {
      raw: { width: 3, height: 2, channels: 1 },
    })
      .toColourspace('grey16')
      .png()
      .toBuffer();
    expect([...readLabelMap(put('deep.png', deep)).labels]).toEqual([0, 1, 300, 65535, 7, 255]);
  });

  it.each([
    [
      'colours',
      (): Buffer =>
        PNG.sync.write(Object.assign(new PNG({ width: 1, height: 1 }), { data: Buffer.from([9, 8, 7, 255]) })),
      /colours \(9, 8, 7\)/,
    ],
    ['a text', (): Buffer => Buffer.from('hello'), /no PNG/],
    ['a cut file', (): Buffer => greyPng(values, 3).subarray(0, 45), /decoded/],
    ['a cut header', (): Buffer => greyPng(values, 3).subarray(0, 20), /decoded/],
  ])('%s is refused by name', (name, bytes, message) => {
    const path = put(`bad/${name}.png`, bytes());
    expect(() => readLabelMap(path)).toThrow(message);
    expect(() => readLabelMap(path)).toThrow(path);
  });

  it('reduceZeroLabel turns 0 into 255 and moves the rest down', () => {
    expect([...reduceZeroLabel(Uint8Array.from(values))]).toEqual([255, 0, 1, 2, 149, 255]);
  });

  it('follow flips, crops and canvases', () => {
    const map = { width: 3, height: 2, labels: Uint8Array.from([0, 1, 2, 3, 4, 5]) };
    const size = { width: 3, height: 2 };
    const flipped = transformLabels(map, { box: [0, 0, 3, 2], ...size, flip: true }, size, 255);
    expect([...flipped.labels]).toEqual([2, 1, 0, 5, 4, 3]);
    const cropped = transformLabels(map, { box: [1, 0, 3, 2], width: 4, height: 4 }, size, 255);
    expect([...cropped.labels]).toEqual([1, 1, 2, 2, 1, 1, 2, 2, 4, 4, 5, 5, 4, 4, 5, 5]);
    const canvas = { width: 2, height: 3, left: -1, top: 1 };
    const padded = transformLabels(map, { box: [0, 0, 3, 2], ...size, canvas }, size, 255);
    expect([...padded.labels]).toEqual([255, 255, 1, 2, 4, 5]);
  });
});

describe('the ADE20K layout', () => {
  it('pairs pictures and maps, and names what has no partner', async () => {
    const path = join(folder, 'ade');
    expect(await ade20kReader.recognizes(path)).toBe(true);
    expect(await ade20kReader.splits?.(path)).toEqual(['train', 'val']);
    const data = await ade20kReader.open(path);
    expect(data.size).toBe(1);
    expect(data.classNames).toHaveLength(150);
    expect(data.warnings).toEqual([
      expect.stringMatching(/b\.jpg: has no index map — left out$/u),
      expect.stringMatching(/c\.png: belongs to no picture — not used$/u),
    ]);
    const { target } = (await semanticDataset(path, { split: 'val' })).item(0);
    const { labels } = loadLabels(target!, { width: 3, height: 2, id: 'a.jpg' });
    expect([...labels]).toEqual([255, 0, 1, 2, 149, 255]);
  });

  it('reports sizes and labels that do not fit, by name', async () => {
    const { target } = (await semanticDataset(join(folder, 'ade'))).item(0);
    expect(() => loadLabels(target!, { width: 4, height: 2, id: 'a.jpg' })).toThrow(/3 × 2.*a\.jpg 4 × 2.*a\.png/);
    expect(() => loadLabels({ ...target!, numClasses: 5 }, { width: 3, height: 2, id: 'a.jpg' })).toThrow(
      /holds 150.*no class.*a\.png/,
    );
  });

  it('are checked as a whole', async () => {
    const report = (await checkData(join(folder, 'ade'), { format: 'ade20k' })).reports[0]!;
    expect(report.counts).toEqual({ 'picture-without-map': 1, 'map-without-picture': 1 });
    expect(report.ok).toBe(true);
    const picture = await sharp({ create: { width: 2, height: 2, channels: 3, background: 'red' } })
      .png()
      .toBuffer();
    put('binary/img_dir/train/a.png', picture);
    put('binary/ann_dir/train/a.png', greyPng([255, 255, 0, 0], 2));
    put('binary/img_dir/train/b.png', 'no picture');
    put('binary/ann_dir/train/b.png', greyPng([255, 255, 0, 0], 2));
    put('binary/img_dir/train/c.png', picture);
    put('binary/ann_dir/train/c.png', greyPng([255, 255, 0, 0, 0, 0], 2));
    const binary = (await checkData(join(folder, 'binary'), { format: 'ade20k' })).reports[0]!;
    expect(binary.counts).toEqual({ 'picture-unreadable': 1, 'index-map-unusable': 1, 'binary-masks': 1 });
    expect(binary.lines.join('\n')).toMatch(/nothing but 0 and 255/);
  });

  it('refuses unknown options, splits and folders', async () => {
    const path = join(folder, 'ade');
    await expect(ade20kReader.open(path, { colour: 1 })).rejects.toThrow(/colour/);
    await expect(ade20kReader.open(path, { split: 'other' })).rejects.toThrow(
      /no split "other" \(there is train, val\)/,
    );
    await expect(ade20kReader.open(join(folder, 'none'))).rejects.toThrow(/no such folder/);
    put('broken/objectInfo150.txt', 'Idx\tName\n1\ta\n3\tb\n');
    put('broken/images/training/a.jpg', 'x');
    put('broken/annotations/training/a.png', 'x');
    await expect(ade20kReader.open(join(folder, 'broken'))).rejects.toThrow(/line 3 is not class 2/);
  });
});
