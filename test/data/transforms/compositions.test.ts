import { describe, expect, it } from 'vitest';
import type { Dataset, Item, Sample } from '#core/contracts/dataset.js';
import type { CompositionContext } from '#core/contracts/transform.js';
import { instanceHandler } from '#core/data/targets/instance-geometry.js';
import type { Instances } from '#core/data/targets/instance-target.js';
import { copyPaste } from '#core/data/transforms/copy-paste.js';
import { mosaic } from '#core/data/transforms/mosaic.js';
import { composePipeline, createPipeline } from '#core/data/transforms/pipeline.js';
import { randomAffine } from '#core/data/transforms/random-affine.js';
import { createLoader } from '#core/data/loading/loader.js';
import { createRandom } from '#core/base/random.js';
import { objectPictures } from '../../pictures/object-pictures.js';

const handler = instanceHandler();

/** A picture of one level with a block of another, with or without its mask. */
function block(level: number, [left, top, width, height]: readonly number[], masked = true): Sample<Instances> {
  const [W, H] = [16, 12];
  const pixels = new Uint8Array(W * H * 3).fill(level);
  for (let y = top!; y < top! + height!; y++) {
    for (let x = left!; x < left! + width!; x++) pixels.fill(level + 100, 3 * (y * W + x), 3 * (y * W + x) + 3);
  }
  const mask = {
    left: left!,
    top: top!,
    width: width!,
    height: height!,
    data: new Uint8Array(width! * height!).fill(1),
  };
  return {
    id: `${level}.png`,
    pixels,
    width: W,
    height: H,
    channels: 3,
    originalWidth: W,
    originalHeight: H,
    target: {
      imageId: level,
      ids: Float64Array.of(level),
      boxes: Float32Array.of(left!, top!, left! + width!, top! + height!),
      classes: Int32Array.of(level % 3),
      crowds: new Uint8Array(1),
      masks: [masked ? mask : undefined],
    },
  };
}

function contextOf(
  partners: ReadonlyArray<Sample<Instances>>,
  seed: number,
  progress = 0,
): CompositionContext<Instances> {
  return {
    random: createRandom(seed),
    progress,
    handler: handler,
    partner: (index) => Promise.resolve(partners[index]!),
  };
}

/** Whether all pixels in every box are the block's, and as many lie outside as boxes without masks leave. */
function expectBoxesOnBlocks({ pixels, width, target }: Sample<Instances>): void {
  target.classes.forEach((_, i) => {
    const [x0, y0, x1, y1] = target.boxes.subarray(4 * i, 4 * i + 4) as unknown as number[];
    const level = target.ids[i]! + 100;
    for (let y = y0!; y < y1!; y++) {
      for (let x = x0!; x < x1!; x++) expect(pixels[3 * (y * width + x)], `object ${i} at ${x}, ${y}`).toBe(level);
    }
  });
}

describe('a mosaic', () => {
  const tiles = [1, 2, 3, 4].map((level) => block(10 * level, [3 + level, 2, 6, 5], level % 2 === 0));
  const compose = mosaic({ size: [12, 16] });

  it.each([0, 1, 2, 3, 4, 5, 6, 7])(
    'lays four pictures side by side, their objects with them (seed %i)',
    async (seed) => {
      const joined = await compose.compose(tiles[0]!, contextOf(tiles.slice(1), seed));
      const sample = joined as Sample<Instances>;
      expect([sample.width, sample.height]).toEqual([32, 24]);
      expect(sample.id).toBe(tiles[0]!.id);
      expect(sample.target.imageId).toBe(tiles[0]!.target.imageId);
      expect(sample.target.classes.length).toBeGreaterThan(1);
      expectBoxesOnBlocks(sample);
    },
  );

  it('leaves its inputs alone, and the sample as it is where there is none', async () => {
    const before = tiles.map(({ pixels }) => pixels.slice());
    await compose.compose(tiles[0]!, contextOf(tiles.slice(1), 1));
    expect(tiles.map(({ pixels }) => pixels)).toEqual(before);
    const never = mosaic({ size: [12, 16], probability: 0 });
    expect(await never.compose(tiles[0]!, contextOf([], 1) as never)).toBe(tiles[0]);
    const ended = mosaic({ size: [12, 16], until: 0.8 });
    expect(await ended.compose(tiles[0]!, contextOf([], 1, 0.8) as never)).toBe(tiles[0]);
  });

  it('refuses normalised pictures', async () => {
    const normalised = { ...tiles[0]!, pixels: new Float32Array(tiles[0]!.pixels.length) };
    await expect(compose.compose(normalised, contextOf(tiles, 1) as never)).rejects.toThrow(/0–255.*normalize/su);
  });
});

describe('copy and paste', () => {
  const sample = block(10, [2, 2, 8, 8]);
  const other = block(50, [5, 3, 5, 4]);
  const always = copyPaste({ probability: 1, share: 1 });

  it.each([0, 1, 2, 3, 4, 5])(
    'lays an object on another picture, masks below it without what it covers (seed %i)',
    async (seed) => {
      const { pixels, width, target } = await always.compose(sample, contextOf([other], seed));
      expect([...target.ids]).toContain(50);
      target.masks.forEach((mask, i) => {
        const level = target.ids[i]! + 100;
        let area = 0;
        for (let at = 0; at < mask!.data.length; at++) {
          if (mask!.data[at] === 0) continue;
          area++;
          const [x, y] = [mask!.left + (at % mask!.width), mask!.top + Math.floor(at / mask!.width)];
          expect(pixels[3 * (y * width + x)]).toBe(level);
        }
        // Each mask has all of its object that is seen.
        let seen = 0;
        for (let at = 0; at < pixels.length; at += 3) if (pixels[at] === level) seen++;
        expect(area).toBe(seen);
        expect([...target.boxes.subarray(4 * i, 4 * i + 4)]).toEqual([
          mask!.left,
          mask!.top,
          mask!.left + mask!.width,
          mask!.top + mask!.height,
        ]);
      });
    },
  );

  it('leaves out an object that is hidden, with a mask and without', async () => {
    const large = block(50, [0, 0, 16, 12]);
    for (const masked of [true, false]) {
      const { target } = await always.compose(block(10, [2, 2, 8, 8], masked), contextOf([large], 1));
      expect([...target.ids]).toEqual([50]);
    }
  });

  it('copies nothing without masks, nothing of crowds, and nothing after its time', async () => {
    expect(await always.compose(sample, contextOf([block(50, [1, 1, 4, 4], false)], 1))).toBe(sample);
    const crowd = { ...other, target: { ...other.target, crowds: Uint8Array.of(1) } };
    expect(await always.compose(sample, contextOf([crowd], 1))).toBe(sample);
    const ended = copyPaste({ probability: 1, until: 0.5 });
    expect(await ended.compose(sample, contextOf([other], 1, 0.5))).toBe(sample);
  });
});

describe('a random affine map', () => {
  it('keeps the picture’s middle near the result’s, and its scale in the range', () => {
    const transform = randomAffine({ size: [40, 60], scale: [0.5, 1.5], translate: 0.2 });
    const scene = { width: 60, height: 40, target: undefined };
    for (let seed = 0; seed < 200; seed++) {
      const { box, width, height, canvas } = transform.plan(scene, createRandom(seed))!;
      const scale = width / (box[2] - box[0]);
      expect(scale).toBeGreaterThan(0.45);
      expect(scale).toBeLessThan(1.55);
      expect(box[0]).toBeGreaterThanOrEqual(0);
      expect(box[2]).toBeLessThanOrEqual(60);
      expect(box[3]).toBeLessThanOrEqual(40);
      const middle = (30 - box[0]) * scale + (canvas?.left ?? 0);
      expect(Math.abs(middle - 30)).toBeLessThanOrEqual(0.2 * 60 + 1);
      if (canvas === undefined) expect([width, height]).toEqual([60, 40]);
      else {
        expect([canvas.width, canvas.height]).toEqual([60, 40]);
        expect(canvas.left! + width).toBeLessThanOrEqual(60);
        expect(canvas.top! + height).toBeLessThanOrEqual(40);
      }
    }
  });
});

describe('a pipeline of compositions', () => {
  const transforms = [
    { name: 'resizeToFit', options: { size: 32 } },
    { name: 'mosaic', options: { size: 32, probability: 0.7, until: 0.6 } },
    { name: 'copyPaste', options: { probability: 0.7, until: 0.6 } },
    { name: 'randomAffine', options: { size: 32 } },
    { name: 'horizontalFlip' },
    { name: 'normalize' },
  ];
  const pipeline = { decode: { channels: 3 }, transforms, target: { name: 'instances', options: { minVisible: 0.1 } } };
  const data = objectPictures(8);

  async function samplesOf(workers: number, start = 0, dataset: Dataset = data): Promise<Sample[]> {
    const loader = await createLoader({ dataset, pipeline, batchSize: 2, random: createRandom(5), workers });
    const found: Sample[] = [];
    for (const epoch of [0, 3]) {
      for await (const batch of loader.batches(epoch, start, 4)) found.push(...batch);
    }
    await loader.close();
    return found;
  }

  it('asks for the partners of all its compositions', async () => {
    expect((await createPipeline(pipeline)).numPartners).toBe(4);
    expect(composePipeline([]).numPartners).toBe(0);
  });

  it('gives the same samples here and in a worker, and wherever the epoch starts', async () => {
    const here = await samplesOf(0);
    expect(await samplesOf(1)).toEqual(here);
    const later = await samplesOf(0, 2);
    expect(later.slice(0, 4)).toEqual(here.slice(4, 8));
    expect(later.slice(4)).toEqual(here.slice(12));
  });

  it('ends them after their share of the epochs that the training turns out to have', async () => {
    const loader = await createLoader({ dataset: data, pipeline, batchSize: 8, random: createRandom(5), workers: 0 });
    const objectsIn = async (epoch: number, epochs?: number): Promise<number> => {
      for await (const batch of loader.batches(epoch, 0, epochs)) {
        return batch.reduce((sum, { target }) => sum + (target as Instances).ids.length, 0);
      }
      return 0;
    };
    expect(await objectsIn(6, 10)).toBeLessThan(await objectsIn(6, 100));
    expect(await objectsIn(6)).toBe(await objectsIn(6, 100));
    await loader.close();
  });

  it('gives a picture that cannot be read to no other, and its own turn an error', async () => {
    const broken: Dataset = {
      ...data,
      item: (index): Item =>
        index === 3 ? { ...data.item(3), image: { kind: 'file', path: '/nowhere.png' } } : data.item(index),
    };
    await expect(samplesOf(0, 0, broken)).rejects.toThrow(/nowhere/u);
    const run = await createPipeline(pipeline);
    const partners = Array.from({ length: 4 }, () => broken.item(3));
    const { sample } = await run(data.item(0), createRandom(1), { partners });
    expect([sample.width, sample.height]).toEqual([32, 32]);
  });
});
