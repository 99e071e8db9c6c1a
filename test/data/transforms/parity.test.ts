import { beforeAll, describe, expect, it } from 'vitest';
import { readSafetensors } from '#core/checkpoint/files/safetensors.js';
import type { Sample } from '#core/contracts/dataset.js';
import type { Geometry, Transform } from '#core/contracts/transform.js';
import { composePipeline } from '#core/data/transforms/pipeline.js';
import { centerCrop, IMAGENET_STD, normalize, resizeShorterSide } from '#core/data/transforms/picture-transforms.js';
import { createRandom } from '#core/base/random.js';
import { fixturePath } from '../../fixture-path.js';

// Made by torchvision and Pillow; see `__metadata__` of expected.safetensors for the boxes.

const expected = new Map<string, Float32Array>();

beforeAll(async () => {
  const { tensors } = await readSafetensors(fixturePath('transforms/expected.safetensors'));
  for (const [name, { data }] of tensors) expected.set(name, data as Float32Array);
});

async function run(transforms: readonly Transform[]): Promise<Sample> {
  const item = { id: 'picture.png', image: { kind: 'file', path: fixturePath('transforms/picture.png') } } as const;
  const { sample } = await composePipeline(transforms)(item, createRandom(0));
  return sample;
}

/** Differences in steps of 1/255 of `[H, W, C]` pixels to an expected `[C, H, W]`, whose unit is `unit` per channel. */
function differences({ pixels, width, height }: Sample, name: string, unit: readonly number[]): Differences {
  const target = expected.get(name)!;
  expect(target.length).toBe(pixels.length);
  const scale = pixels instanceof Uint8Array ? 1 / 255 : 1;
  const sums = [0, 0, 0];
  let largest = 0;
  for (let channel = 0; channel < 3; channel++) {
    for (let at = 0; at < width * height; at++) {
      const value = pixels[at * 3 + channel]! * scale;
      const difference = Math.abs(target[channel * width * height + at]! - value) * unit[channel]! * 255;
      sums[channel]! += difference;
      largest = Math.max(largest, difference);
    }
  }
  return { meanByChannel: sums.map((sum) => sum / (width * height)), largest };
}

interface Differences {
  readonly meanByChannel: readonly number[];
  readonly largest: number;
}

function cropTo(box: Geometry['box'], size: number): Transform {
  return { plan: () => ({ box, width: size, height: size }) };
}

describe('transforms equal torchvision and Pillow', () => {
  it.each([
    ['eval_64', [resizeShorterSide({ size: 73 }), centerCrop({ size: 64 }), normalize()], IMAGENET_STD],
    ['eval_224', [resizeShorterSide({ size: 256 }), centerCrop({ size: 224 }), normalize()], IMAGENET_STD],
    ['crop_64', [cropTo([57, 31, 217, 151], 64)], [1, 1, 1]],
    ['upscale_crop_224', [cropTo([57, 31, 137, 91], 224)], [1, 1, 1]],
  ] as const)('%s, every pixel', async (name, transforms, unit) => {
    const { meanByChannel, largest } = differences(await run(transforms), name, unit);
    expect(Math.max(...meanByChannel)).toBeLessThan(0.5);
    // Stricter than the tolerance: the same 8-bit value everywhere.
    expect(largest).toBeLessThan(1e-3);
  });
});
