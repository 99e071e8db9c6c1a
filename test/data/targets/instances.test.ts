import { describe, expect, it } from 'vitest';
import type { Item, Sample, TransformSpec } from '#core/contracts/dataset.js';
import { encodeRle } from '#core/data/masks/rle.js';
import { rleToBytes } from '#core/data/masks/rle-string.js';
import { cocoDataset } from '#core/data/readers/coco-instances.js';
import { transformInstances } from '#core/data/targets/instance-geometry.js';
import { type InstanceAnnotations, type Instances, rleOfRegion } from '#core/data/targets/instance-target.js';
import { createLoader } from '#core/data/loading/loader.js';
import { createPipeline } from '#core/data/transforms/pipeline.js';
import { createRandom } from '#core/base/random.js';
import { writeObjectPictures } from '../../pictures/object-pictures.js';
import { regionToBitmap } from './region-bitmap.js';
import { useTemporaryFolders } from '../../temporary-folder.js';

const WIDTH = 90;
const HEIGHT = 60;

/** Two discs, the second half outside. */
function discs(): Uint8Array[] {
  return [
    [30, 25, 15],
    [85, 50, 20],
  ].map(([centerX, centerY, radius]) =>
    Uint8Array.from({ length: WIDTH * HEIGHT }, (_, i) =>
      Math.hypot((i % WIDTH) + 0.5 - centerX!, Math.floor(i / WIDTH) + 0.5 - centerY!) < radius! ? 1 : 0,
    ),
  );
}

/** A picture that shows its own masks: red for the first object, green for the second. */
function ownPicture(): Item<InstanceAnnotations> {
  const masks = discs();
  const data = new Uint8Array(3 * WIDTH * HEIGHT);
  masks.forEach((mask, channel) => {
    mask.forEach((value, i) => {
      data[3 * i + channel] = 255 * value;
    });
  });
  return {
    id: 'own',
    image: { kind: 'pixels', data, width: WIDTH, height: HEIGHT, channels: 3 },
    target: {
      imageId: 7,
      width: WIDTH,
      height: HEIGHT,
      ids: Float64Array.of(11, 12),
      boxes: Float64Array.of(0, 0, 1, 1, 0, 0, 1, 1),
      classes: Int32Array.of(3, 5),
      crowds: Uint8Array.of(0, 1),
      masks: masks.map((mask) => ({
        kind: 'runs',
        bytes: rleToBytes(encodeRle(mask, HEIGHT, WIDTH)).slice(),
        height: HEIGHT,
        width: WIDTH,
      })),
    },
  };
}

async function run(transforms: TransformSpec[], seed: number): Promise<Sample<Instances>> {
  const pipeline = await createPipeline({ transforms, target: { name: 'instances' } });
  const { sample } = await pipeline(ownPicture(), createRandom(seed));
  return sample as Sample<Instances>;
}

const fixed: TransformSpec = { name: 'scaleJitter', options: { size: [64, 80], scale: [0.4, 2], fill: [0, 0, 0] } };

describe('masks and boxes follow their picture', () => {
  it.each<[string, TransformSpec[]]>([
    ['no transform', []],
    ['flip', [{ name: 'horizontalFlip', options: { probability: 1 } }]],
    ['short edge', [{ name: 'resizeEdges', options: { shorter: [40, 100], longest: 120 } }]],
    ['long edge', [{ name: 'resizeLongerSide', options: { size: 200 } }]],
    ['fit and pad', [{ name: 'resizeAndPad', options: { size: 100, fill: [0, 0, 0] } }]],
    ['scale jitter', [fixed]],
    ['random resized crop', [{ name: 'randomResizedCrop', options: { size: 70 } }]],
    ['all of them', [{ name: 'horizontalFlip' }, fixed, { name: 'randomResizedCrop', options: { size: 70 } }]],
  ])('%s', async (_, transforms) => {
    for (let seed = 0; seed < 8; seed++) {
      const { pixels, width, height, target } = await run(transforms, seed);
      const drawn: Uint8Array[] = [new Uint8Array(width * height), new Uint8Array(width * height)];
      target.masks.forEach((mask, i) => {
        const which = target.ids[i]! - 11;
        expect([3, 5][which]).toBe(target.classes[i]);
        drawn[which] = regionToBitmap(mask!, { width, height });
        const { left, top } = mask!;
        expect([...target.boxes.subarray(4 * i, 4 * i + 4)]).toEqual([
          left,
          top,
          left + mask!.width,
          top + mask!.height,
        ]);
        expect(mask!.data.subarray(0, mask!.width).some((value) => value === 1)).toBe(true);
      });
      let different = 0;
      let outline = 0;
      for (let i = 0; i < width * height; i++) {
        for (const channel of [0, 1]) {
          const value = pixels[3 * i + channel]!;
          // Resampled edges are grey; away from them, mask and picture must agree.
          if (value > 20 && value < 235) outline++;
          if (value > 127 !== (drawn[channel]![i] === 1)) different++;
        }
      }
      expect(different).toBeLessThanOrEqual(outline * 0.6 + 4);
    }
  });

  it('what leaves the picture is dropped', () => {
    const target: Instances = {
      imageId: 1,
      ids: Float64Array.of(1, 2),
      boxes: Float32Array.of(0, 0, 10, 10, 50, 20, 80, 40),
      classes: Int32Array.of(0, 1),
      crowds: Uint8Array.of(0, 0),
      masks: [undefined, undefined],
    };
    const geometry = { box: [40, 0, 90, 60] as const, width: 100, height: 120, flip: true };
    const moved = transformInstances(target, geometry, { width: WIDTH, height: HEIGHT });
    expect([...moved.classes]).toEqual([1]);
    expect([...moved.boxes]).toEqual([20, 40, 80, 80]);
  });

  it('a picture of another size than its annotations is refused', async () => {
    const pipeline = await createPipeline({ transforms: [], target: { name: 'instances' } });
    const item = ownPicture();
    const turned = { ...item, target: { ...item.target!, width: HEIGHT, height: WIDTH } };
    await expect(pipeline(turned, createRandom(0))).rejects.toThrow(/90 × 60.*60 × 90.*EXIF/);
  });

  it('scale jitter covers its range, at a fixed size', async () => {
    const scales: number[] = [];
    for (let seed = 0; seed < 60; seed++) {
      const options = { size: 90, scale: [0.1, 2] };
      const { width, height, target } = await run([{ name: 'scaleJitter', options }], seed);
      expect([width, height]).toEqual([90, 90]);
      const first = target.ids.indexOf(11);
      if (first < 0) continue;
      const [x0, , x1] = target.boxes.subarray(4 * first, 4 * first + 3);
      scales.push((x1! - x0!) / 30);
    }
    expect(Math.min(...scales)).toBeLessThan(0.4);
    expect(Math.max(...scales)).toBeGreaterThan(1.4);
  });
});

describe('photometric distortion', () => {
  const transform = (options: Record<string, unknown>): TransformSpec[] => [{ name: 'photometricDistortion', options }];

  it('keeps a picture as it is where nothing is changed', async () => {
    const before = await run([], 0);
    expect((await run(transform({ probability: 0 }), 3)).pixels).toEqual(before.pixels);
    const none = { brightness: 0, contrast: [1, 1], saturation: [1, 1], hue: 0, probability: 1 };
    expect((await run(transform(none), 3)).pixels).toEqual(before.pixels);
  });

  it('turns the hue, and never leaves 0–255', async () => {
    const { pixels } = await run(
      transform({ brightness: 0, contrast: [1, 1], saturation: [1, 1], hue: 180, probability: 1 }),
      5,
    );
    const at = 3 * (25 * WIDTH + 30);
    expect(Math.max(...pixels.subarray(at, at + 3))).toBe(255);
    // A red of full saturation becomes another colour of full saturation.
    const [least, between] = [...pixels.subarray(at, at + 3)].sort((a, b) => a - b);
    expect(least).toBe(0);
    expect(between).toBeGreaterThan(0);
    const varied = new Set<number>();
    for (let seed = 0; seed < 10; seed++) varied.add((await run(transform({}), seed)).pixels[at]!);
    expect(varied.size).toBeGreaterThan(3);
  });

  it('grey loses no greyness by saturation', async () => {
    const { pixels } = await run(
      transform({ brightness: 0, contrast: [1, 1], saturation: [0.01, 0.01], hue: 0, probability: 1 }),
      1,
    );
    const at = 3 * (25 * WIDTH + 30);
    expect(pixels[at]! - pixels[at + 1]!).toBeLessThan(6);
  });
});

describe('objects of a COCO file through the loader', () => {
  const temporaryFolder = useTemporaryFolders();

  it('are the same in this thread and in workers', async () => {
    const folder = await temporaryFolder();
    await writeObjectPictures(folder, 0, 6);
    const dataset = cocoDataset(folder, { split: 'val' });
    const load = async (workers: number): Promise<ReadonlyArray<Sample<Instances>>> => {
      const loader = await createLoader({
        dataset,
        pipeline: {
          transforms: [{ name: 'horizontalFlip' }, { name: 'scaleJitter', options: { size: 128 } }],
          target: { name: 'instances' },
        },
        batchSize: 6,
        random: createRandom(3),
        workers,
      });
      for await (const batch of loader.batches(0)) {
        await loader.close();
        return batch as ReadonlyArray<Sample<Instances>>;
      }
      return [];
    };
    const here = await load(0);
    expect(here).toHaveLength(6);
    expect(here.some(({ target }) => target.classes.length > 0)).toBe(true);
    expect(await load(2)).toEqual(here);
  });
});

describe('runs of a region', () => {
  it.each([
    ['in the middle', { left: 3, top: 2, width: 4, height: 5 }],
    ['of the whole picture', { left: 0, top: 0, width: 12, height: 9 }],
    ['in the last corner', { left: 8, top: 4, width: 4, height: 5 }],
    ['of no size', { left: 5, top: 5, width: 0, height: 0 }],
  ])('are those of the picture: %s', (_, frame) => {
    const random = createRandom(3);
    const size = { width: 12, height: 9 };
    for (const share of [0, 0.5, 1]) {
      const data = Uint8Array.from({ length: frame.width * frame.height }, () => Number(random.uniform() < share));
      const picture = regionToBitmap({ ...frame, data }, size);
      expect(rleOfRegion({ ...frame, data }, size)).toEqual(encodeRle(picture, 9, 12));
    }
  });
});
