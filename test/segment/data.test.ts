import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Dataset } from '#core/contracts/dataset.js';
import type { InstanceAnnotations } from '#core/data/targets/instance-target.js';
import { type LabelMap, readLabelMap } from '#core/data/targets/label-map.js';
import { labelMapPng } from '#core/data/targets/label-map-png.js';
import { semanticCrop, type SemanticCropOptions } from '#core/data/transforms/semantic-crop.js';
import { loadSemanticTarget, semanticHandler } from '#core/data/targets/semantic-target.js';
import { applyTransform } from '#core/data/transforms/pipeline.js';
import { createRandom } from '#core/base/random.js';
import { segmentSettings, segmentTask } from '@mae-tasks/plugin-segment';
import { classWeightsOf } from '../../packages/plugin-segment/src/facts.js';
import { paintedPictures } from '../pictures/painted-pictures.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mae-segment-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const defaults = segmentSettings.parse({});

/** Two objects of the classes 0 and 2, and one with a box alone. */
const objects: InstanceAnnotations = {
  imageId: 7,
  width: 8,
  height: 6,
  ids: Float64Array.of(1, 2, 3),
  boxes: Float64Array.of(0, 0, 4, 4, 2, 2, 4, 4, 6, 0, 8, 2),
  classes: Int32Array.of(0, 2, 1),
  crowds: new Uint8Array(3),
  areas: Float64Array.of(16, 4, 4),
  masks: [
    { kind: 'polygons', parts: [Float64Array.of(0, 0, 4, 0, 4, 4, 0, 4)] },
    { kind: 'polygons', parts: [Float64Array.of(2, 2, 4, 2, 4, 4, 2, 4)] },
    undefined,
  ],
};
const classNames = ['cat', 'dog', 'hen'];
const dataOf = (target: unknown, names: readonly string[] = classNames): Dataset => ({
  name: 'objects',
  size: 1,
  item: () => ({
    id: 'a',
    image: { kind: 'pixels', data: new Uint8Array(144), width: 8, height: 6, channels: 3 },
    target,
  }),
  classNames: names,
  warnings: [],
});

describe('objects as classes of pixels', () => {
  const picture = { width: 8, height: 6, id: 'a' };

  it('have a background of their own before the classes, small objects on top, boxes without masks ignored', () => {
    const { labels } = loadSemanticTarget(objects, picture);
    const rows = Array.from({ length: 6 }, (_, y) => [...labels.subarray(8 * y, 8 * y + 8)].join(' '));
    expect(rows).toEqual([
      '1 1 1 1 0 0 255 255',
      '1 1 1 1 0 0 255 255',
      '1 1 3 3 0 0 0 0',
      '1 1 3 3 0 0 0 0',
      '0 0 0 0 0 0 0 0',
      '0 0 0 0 0 0 0 0',
    ]);
  });

  it('or leave the background out', () => {
    const { labels } = loadSemanticTarget(objects, picture, { background: 'ignore', ignoreIndex: 255 });
    expect([labels[0], labels[4], labels[2 * 8 + 2]]).toEqual([0, 255, 2]);
  });

  it('are what a task for pixels makes of data for objects', async () => {
    const facts = await segmentTask.examine(dataOf(objects), defaults);
    expect(facts).toMatchObject({ classNames: ['background', ...classNames], background: true, firstValue: 0 });
    // 28 of 44 counted pixels are background, 12 and 4 the objects.
    expect(facts.frequencies).toEqual([28 / 44, 12 / 44, 0, 4 / 44]);
    segmentTask.requireFit!(dataOf(objects), facts);
    // The reader that makes index maps of objects gives the same classes.
    segmentTask.requireFit!(
      dataOf({ instances: objects, background: 'class', ignoreIndex: 255 }, ['background', ...classNames]),
      facts,
    );
    const ignoring = segmentSettings.parse({ background: 'ignore' });
    expect(await segmentTask.examine(dataOf(objects), ignoring)).toMatchObject({ classNames, background: false });
  });

  it.each<readonly [string, unknown, RegExp]>([
    ['boxes alone', { ...objects, masks: [undefined, undefined, undefined] }, /none of the 3 objects has a mask/],
    [
      'no objects',
      { ...objects, ...{ ids: [], boxes: [], classes: [], crowds: [], areas: [], masks: [] } },
      /no picture has an object/,
    ],
    ['a class index', 3, /neither index maps nor objects/],
    ['nothing', undefined, /neither index maps nor objects/],
  ])('are refused where there is %s', async (_, target, message) => {
    await expect(Promise.resolve().then(() => segmentTask.examine(dataOf(target), defaults))).rejects.toThrow(message);
  });
});

describe('index maps', () => {
  it('written as PNG read back as they were', () => {
    const labels = Uint8Array.from({ length: 7 * 5 }, (_, i) => (i * 37) % 256);
    const path = join(folder, 'map.png');
    writeFileSync(path, labelMapPng({ width: 7, height: 5, labels }));
    expect(readLabelMap(path)).toEqual({ width: 7, height: 5, labels });
    expect(() => labelMapPng({ width: 1, height: 1, labels: Uint16Array.of(256) })).toThrow(/class 256 does not fit/);
  });

  const annotation = (file: string, labels: readonly number[], numClasses = 3) => {
    const path = join(folder, file);
    writeFileSync(path, labelMapPng({ width: labels.length, height: 1, labels: Uint8Array.from(labels) }));
    return { path, reduceZeroLabel: false, ignoreIndex: 255, numClasses };
  };

  it('of another size than their picture, or with values that are no class, are errors that name them', () => {
    const picture = { width: 2, height: 1, id: 'a.jpg' };
    expect(() => loadSemanticTarget(annotation('wide.png', [0, 1, 2]), picture)).toThrow(
      /3 × 1, its picture a.jpg 2 × 1.*wide\.png/,
    );
    expect(() => loadSemanticTarget(annotation('high.png', [0, 9]), picture)).toThrow(
      /holds 9, which is no class.*high\.png/,
    );
    const unnamed = { ...annotation('unnamed.png', [0, 9]) } as { numClasses?: number };
    delete unnamed.numClasses;
    const options = { background: 'class', ignoreIndex: 255, numClasses: 4 } as const;
    expect(() => loadSemanticTarget(unnamed as never, picture, options)).toThrow(/class is 9, but there are 4 classes/);
    expect(() => loadSemanticTarget(undefined, picture)).toThrow(/no index map and no objects — a.jpg/);
  });

  it('with 0 for "other" keep their own numbers in what is predicted', async () => {
    const target = { ...annotation('ade.png', [0, 1, 2, 2]), reduceZeroLabel: true };
    const facts = await segmentTask.examine(dataOf(target), defaults);
    expect(facts).toMatchObject({ classNames, firstValue: 1, background: false });
    expect(facts.frequencies).toEqual([1 / 3, 2 / 3, 0]);
  });
});

describe('class weights', () => {
  const facts = {
    classNames: ['a', 'b', 'c', 'd'],
    background: false,
    firstValue: 0,
    frequencies: [0.6, 0.3, 0.1, 0],
  } as const;
  it('are median over own frequency', () => {
    expect(classWeightsOf('balanced', facts)).toEqual(
      [0.5, 1, 3, 1].map((value) => expect.closeTo(value, 6) as number),
    );
    expect(classWeightsOf(null, facts)).toBeUndefined();
    expect(classWeightsOf([1, 2, 3, 4], facts)).toEqual([1, 2, 3, 4]);
    expect(() => classWeightsOf([1, 2], facts)).toThrow(/has 2 values for 4 classes/);
  });
});

describe('crops for training', () => {
  const crop = (options: SemanticCropOptions, target: LabelMap | undefined, seed: number) =>
    semanticCrop(options).plan({ width: 60, height: 40, target }, createRandom(seed))!;

  it('have the size that is asked for, scales between the bounds, and boxes within the picture', () => {
    const scales: number[] = [];
    for (let seed = 0; seed < 200; seed++) {
      const { box, width, height, canvas } = crop({ size: [32, 48], scale: [0.5, 2] }, undefined, seed);
      expect([canvas?.width ?? width, canvas?.height ?? height]).toEqual([48, 32]);
      expect(box[0] >= 0 && box[1] >= 0 && box[2] <= 60 && box[3] <= 40).toBe(true);
      // Both axes by one factor, up to whole pixels.
      const [across, down] = [width / (box[2] - box[0]), height / (box[3] - box[1])];
      expect(Math.abs(across / down - 1)).toBeLessThan(0.06);
      scales.push((down * 40) / 32);
    }
    expect(Math.min(...scales)).toBeGreaterThan(0.48);
    expect(Math.max(...scales)).toBeLessThan(2.04);
    expect(Math.max(...scales) - Math.min(...scales)).toBeGreaterThan(1.3);
  });

  it('avoid places where one class takes nearly all', () => {
    // The right third is class 1, the rest class 0.
    const labels = Uint8Array.from({ length: 60 * 40 }, (_, i) => (i % 60 >= 40 ? 1 : 0));
    const target = { width: 60, height: 40, labels };
    const onlyOne = (catMaxRatio: number): number =>
      Array.from({ length: 100 }, (_, seed) => {
        const { box } = crop({ size: 24, shorter: 40, scale: [1, 1], catMaxRatio }, target, seed);
        return box[2] <= 40 || box[0] >= 40 ? 1 : 0;
      }).reduce<number>((sum, value) => sum + value, 0);
    // 17 of 37 places see one class alone, 11 see less than three quarters of each: ten draws miss those in 3 of 100.
    expect(onlyOne(1)).toBeGreaterThan(30);
    expect(onlyOne(0.75)).toBeLessThan(8);
  });

  it('pad maps with the ignored value', () => {
    const { image, target } = paintedPictures({ count: 1, classNames, size: [20, 30] }).item(0);
    if (image.kind !== 'pixels') throw new Error('pictures in memory');
    const sample = {
      ...{ id: 'a', pixels: image.data, width: 30, height: 20, channels: 3 },
      ...{ originalWidth: 30, originalHeight: 20, target },
    };
    const transform = semanticCrop({ size: 32, shorter: 20, scale: [1, 1], fill: [9, 9, 9] });
    const after = applyTransform(transform, sample, createRandom(0), semanticHandler());
    const map = after.target as LabelMap;
    expect([map.width, map.height, after.width, after.height]).toEqual([32, 32, 32, 32]);
    for (let y = 0; y < 32; y++) {
      for (let x = 0; x < 32; x++) {
        const inside = x < 30 && y < 20;
        expect(map.labels[y * 32 + x]).toBe(inside ? target!.labels[y * 30 + x] : 255);
        if (!inside) expect(after.pixels[3 * (y * 32 + x)]).toBe(9);
      }
    }
  });
});

describe('settings', () => {
  it.each<readonly [string, Readonly<Record<string, unknown>>, Readonly<Record<string, unknown>>, RegExp]>([
    [
      'more stages than a patch has room for',
      { deconv: { channels: [8, 8, 8, 8] } },
      {},
      /4 doublings, more than a patch of 8 pixels/,
    ],
    [
      'a block that there is not',
      { taps: [0, 2] },
      {},
      /`segment.taps` \(=0, 2\) are not all among the encoder's 2 blocks/,
    ],
    ['three taps for a pyramid', { decoder: 'upernet', taps: [0, 1, 1] }, {}, /3 blocks for the decoder "upernet"/],
    [
      'patches that a pyramid cannot be made of',
      { decoder: 'upernet' },
      { patchSize: 6, imageSize: [48, 48] },
      /multiple of 4/,
    ],
    ['an auxiliary head on a block that there is not', { auxiliary: { tap: 5 } }, {}, /`segment.auxiliary.tap` \(=5\)/],
  ])('with %s are refused', async (_, settings, model, message) => {
    const { createTinySegmenter } = await import('./segmenter.js');
    const data = paintedPictures({ count: 1, classNames });
    await expect(createTinySegmenter({ data, settings, model })).rejects.toThrow(message);
  });
});
