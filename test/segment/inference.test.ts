import { describe, expect, it } from 'vitest';
import type { Sample } from '#core/contracts/dataset.js';
import type { HostTensor } from '#core/contracts/tensor.js';
import { createEngine } from '#core/engine/select.js';
import { vitBackbone } from '#core/models/vit.js';
import { initializeParameters } from '#core/nn/params.js';
import { createRandom } from '#core/base/random.js';
import { segmentSettings } from '@mae-tasks/plugin-segment';
import { segmentationForward } from '../../packages/plugin-segment/src/inference/forward.js';
import { segmentPictures } from '../../packages/plugin-segment/src/inference/segment-pictures.js';
import { variantSizes, windowStarts } from '../../packages/plugin-segment/src/inference/variants.js';
import { createNetwork } from '../../packages/plugin-segment/src/network.js';

type Inference = ReturnType<typeof segmentSettings.parse>['inference'];
const inferenceOf = (settings: object): Inference => segmentSettings.parse({ inference: settings }).inference;

const statistics = { mean: [0.5, 0.4, 0.3], std: [0.25, 0.2, 0.3] };

function sampleOf(width: number, height: number, seed: number): Sample {
  const random = createRandom(seed);
  const phase = 6 * random.uniform();
  const pixels = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const [x, y, channel] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width), i % 3];
    return 128 + 90 * Math.sin(phase + x / (7 + channel)) * Math.cos(y / (9 - channel)) + 30 * random.uniform();
  });
  return {
    id: `${width}x${height}`,
    pixels,
    width,
    height,
    channels: 3,
    originalWidth: width,
    originalHeight: height,
    target: undefined,
  };
}

const GRID = 4;
const CLASSES = 5;

/** Stands for a network: logits that depend on the pixels of a cell and on where the cell lies in its window. */
function fakeLogits({ shape, data }: HostTensor): HostTensor {
  const [batch, height, width, channels] = shape as [number, number, number, number];
  const [rows, columns] = [height / GRID, width / GRID];
  const logits = new Float32Array(batch * rows * columns * CLASSES);
  for (let b = 0; b < batch; b++) {
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        for (let k = 0; k < CLASSES; k++) {
          let sum = 0;
          for (let pixel = 0; pixel < GRID * GRID; pixel++) {
            const [y, x] = [row * GRID + Math.floor(pixel / GRID), column * GRID + (pixel % GRID)];
            sum += data[((b * height + y) * width + x) * channels + (k % channels)]! * (k < channels ? 1 : -0.7);
          }
          logits[((b * rows + row) * columns + column) * CLASSES + k] = sum / 16 + 0.3 * Math.sin(row + 2 * column + k);
        }
      }
    }
  }
  return { shape: [batch, rows, columns, CLASSES], dtype: 'float32', data: logits };
}

/** Everything at once, in double precision: all windows summed on the whole grid, then one interpolation. */
function naiveLabels(sample: Sample, window: { width: number; height: number }, stride: number): Uint8Array {
  const { width, height } = sample;
  const [columns, rows] = [Math.ceil(width / GRID), Math.ceil(height / GRID)];
  const sums = new Float64Array(columns * rows * CLASSES);
  const counts = new Float64Array(columns * rows);
  for (const top of windowStarts(height, window.height, stride, GRID)) {
    for (const left of windowStarts(width, window.width, stride, GRID)) {
      const cut = new Float32Array(window.height * window.width * 3);
      for (let i = 0; i < cut.length; i++) {
        const [x, y, channel] = [
          left + (Math.floor(i / 3) % window.width),
          top + Math.floor(i / 3 / window.width),
          i % 3,
        ];
        if (x >= width || y >= height) continue;
        cut[i] =
          (sample.pixels[(y * width + x) * 3 + channel]! / 255 - statistics.mean[channel]!) / statistics.std[channel]!;
      }
      const { data } = fakeLogits({ shape: [1, window.height, window.width, 3], dtype: 'float32', data: cut });
      const across = window.width / GRID;
      for (let cell = 0; cell < data.length / CLASSES; cell++) {
        const [x, y] = [left / GRID + (cell % across), top / GRID + Math.floor(cell / across)];
        if (x >= columns || y >= rows) continue;
        counts[y * columns + x]!++;
        for (let k = 0; k < CLASSES; k++) sums[(y * columns + x) * CLASSES + k]! += data[cell * CLASSES + k]!;
      }
    }
  }
  expect(counts.every((count) => count > 0)).toBe(true);
  const at = (x: number, y: number, k: number): number => {
    const [cx, cy] = [Math.min(x, columns - 1), Math.min(y, rows - 1)];
    return sums[(cy * columns + cx) * CLASSES + k]! / counts[cy * columns + cx]!;
  };
  return Uint8Array.from({ length: width * height }, (_, i) => {
    const gx = Math.max(0, ((i % width) + 0.5) / GRID - 0.5);
    const gy = Math.max(0, (Math.floor(i / width) + 0.5) / GRID - 0.5);
    const [x, y] = [Math.floor(gx), Math.floor(gy)];
    const [u, v] = [gx - x, gy - y];
    let [best, most] = [0, -Infinity];
    for (let k = 0; k < CLASSES; k++) {
      const upper = at(x, y, k) * (1 - u) + at(x + 1, y, k) * u;
      const lower = at(x, y + 1, k) * (1 - u) + at(x + 1, y + 1, k) * u;
      const value = upper * (1 - v) + lower * v;
      if (value > most) [best, most] = [k, value];
    }
    return best;
  });
}

const share = (a: Uint8Array, b: Uint8Array): number => a.filter((value, i) => value === b[i]).length / a.length;
const window = { width: 32, height: 24 };
const common = { window, stride: GRID, numClasses: CLASSES, statistics };
const forward = (windows: HostTensor): Promise<HostTensor> => Promise.resolve(fakeLogits(windows));

describe('sliding windows', () => {
  it('begin where mmsegmentation has them, the last one shifted inside', () => {
    expect(windowStarts(512, 512, 256, 4)).toEqual([0]);
    expect(windowStarts(1024, 512, 256, 4)).toEqual([0, 256, 512]);
    expect(windowStarts(1000, 512, 256, 4)).toEqual([0, 256, 488]);
    // To the next cell of the grid of logits: the window ends two pixels beyond the picture.
    expect(windowStarts(1002, 512, 256, 4)).toEqual([0, 256, 492]);
    expect(windowStarts(100, 512, 256, 4)).toEqual([0]);
  });

  it('cover every pixel, whatever the sizes', () => {
    for (let length = 1; length < 130; length += 3) {
      for (const step of [4, 8, 12, 32]) {
        const covered = new Uint8Array(length);
        for (const start of windowStarts(length, 32, step, 4)) covered.fill(1, start, start + 32);
        expect(
          covered.every((value) => value === 1),
          `${length} by ${step}`,
        ).toBe(true);
      }
    }
  });

  it.each([
    [75, 61, 3],
    [32, 24, 1],
    [20, 50, 4],
    [131, 9, 2],
    [9, 70, 5],
  ])(
    'of a picture of %i × %i give what summing all at once gives, %i windows a batch',
    async (width, height, batchSize) => {
      const sample = sampleOf(width, height, width);
      const inference = inferenceOf({ shorter: 'original', stride: 12 });
      const [labels] = await segmentPictures([sample], { ...common, batchSize, inference, forward });
      // Single precision may decide ties the other way.
      expect(share(labels!, naiveLabels(sample, window, 12))).toBeGreaterThan(0.9995);
      expect(new Set(labels).size).toBeGreaterThan(2);
    },
  );

  it('of several pictures of different sizes in one batch do not mix', async () => {
    const samples = [sampleOf(40, 40, 1), sampleOf(90, 30, 2), sampleOf(12, 80, 3)];
    const inference = inferenceOf({ shorter: 'original', scales: [0.7, 1, 1.6], flip: true });
    const together = await segmentPictures(samples, { ...common, batchSize: 5, inference, forward });
    for (const [index, sample] of samples.entries()) {
      const [alone] = await segmentPictures([sample], { ...common, batchSize: 1, inference, forward });
      expect(together[index]).toEqual(alone);
    }
  });

  it('of the mirrored picture give the mirrored answer, where both are asked', async () => {
    // A multiple of the grid, so that the grid is the same from both sides.
    const sample = sampleOf(68, 44, 7);
    const mirrored = { ...sample, pixels: mirrorRows(sample.pixels as Uint8Array, 68, 3) };
    const run = async (each: Sample, flip: boolean): Promise<Uint8Array> => {
      const inference = inferenceOf({ shorter: 'original', flip });
      return (await segmentPictures([each], { ...common, batchSize: 4, inference, forward }))[0]!;
    };
    const answer = await run(sample, true);
    expect(share(mirrorRows(await run(mirrored, true), 68, 1), answer)).toBeGreaterThan(0.9995);
    expect(share(await run(sample, false), answer)).toBeLessThan(0.999);
  });
});

function mirrorRows(values: Uint8Array, width: number, channels: number): Uint8Array {
  return values.map((_, i) => {
    const [pixel, channel] = [Math.floor(i / channels), i % channels];
    const x = pixel % width;
    return values[(pixel - x + width - 1 - x) * channels + channel]!;
  });
}

describe('sizes at which a picture is looked at', () => {
  const picture = { width: 300, height: 200 };
  const square = { width: 128, height: 128 };
  it('come from the shorter side, the original or the whole', () => {
    expect(variantSizes(picture, square, inferenceOf({}))).toEqual([{ width: 192, height: 128 }]);
    expect(variantSizes(picture, square, inferenceOf({ shorter: 64, scales: [1, 2] }))).toEqual([
      { width: 96, height: 64 },
      { width: 192, height: 128 },
    ]);
    expect(variantSizes(picture, square, inferenceOf({ shorter: 'original' }))).toEqual([picture]);
    expect(variantSizes(picture, square, inferenceOf({ mode: 'whole' }))).toEqual([{ width: 128, height: 85 }]);
  });

  it('are limited where a picture is very long', () => {
    expect(variantSizes({ width: 4000, height: 20 }, square, inferenceOf({}))).toEqual([{ width: 512, height: 3 }]);
  });
});

describe('a picture of 2,000 × 3,000 pixels with 150 classes', () => {
  it('is segmented by windows of 512 in a fraction of the memory of its logits', { timeout: 180_000 }, async () => {
    const settings = segmentSettings.parse({
      deconv: { channels: [16, 8] },
      inference: { shorter: 'original', stride: 256 },
    });
    const vit = {
      imageSize: [512, 512],
      patchSize: 16,
      inChannels: 3,
      embedDim: 16,
      depth: 1,
      numHeads: 1,
      mlpRatio: 1,
    } as const;
    const network = createNetwork(vit, vitBackbone, settings, 150);
    const parameters = initializeParameters(network.specs, createRandom(0));
    // The classifier starts near zero; larger, more than one class appears.
    const classifier = parameters.get('decode_head.conv_seg.weight')!.data;
    classifier.forEach((value, index) => (classifier[index] = 30 * value));
    const engine = await createEngine({ device: 'cpu' });
    try {
      const forwardPass = segmentationForward({ network, numClasses: 150, statistics, inference: settings.inference });
      const step = await forwardPass.createStep({ engine, batchSize: 1 });
      await step.run(parameters, [sampleOf(512, 512, 1)], createRandom(0));
      const pixels = new Uint8Array(3000 * 2000 * 3).map((__, i) => (i % 251) ^ (Math.floor(i / 9000) % 256));
      const large = { ...sampleOf(1, 1, 2), pixels, width: 3000, height: 2000 };
      const before = process.resourceUsage().maxRSS;
      const [found] = await step.run(parameters, [large], createRandom(0));
      const grownMiB = (process.resourceUsage().maxRSS - before) / 1024;
      step.dispose();
      const { width, height, labels } = found!;
      expect([height, width, labels.length]).toEqual([2000, 3000, 6_000_000]);
      expect(new Set(labels).size).toBeGreaterThan(3);
      // All logits at once would take 3,433 MiB; the strip that is held takes 55 MiB, the classes 6 MiB.
      expect(grownMiB).toBeLessThan(400);
    } finally {
      await engine.dispose();
    }
  });
});
