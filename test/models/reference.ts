import { expect } from 'vitest';
import { readSafetensors } from '#core/checkpoint/files/safetensors.js';
import { toFloat32, toNumbers, type StoredTensors } from '#core/checkpoint/files/stored-tensor.js';
import type { MaeConfig } from '#core/models/mae-config.js';
import type { Parameter, ParameterTree } from '#core/contracts/tensor.js';
import { fixturePath } from '../fixture-path.js';

/** The tiny masked autoencoder that `test/fixtures/mae` was computed with (see the files' metadata). */
export const referenceConfig: MaeConfig = {
  imageSize: [32, 32],
  patchSize: 8,
  inChannels: 3,
  embedDim: 48,
  depth: 3,
  numHeads: 4,
  mlpRatio: 4,
  decoderEmbedDim: 32,
  decoderDepth: 2,
  decoderNumHeads: 4,
};

export interface Reference {
  readonly names: readonly string[];
  float32(name: string): Float32Array;
  numbers(name: string): number[];
  shape(name: string): readonly number[];
}

/** The tensors of a file under `test/fixtures`. */
export async function readReference(path: string): Promise<Reference> {
  const { tensors } = await readSafetensors(fixturePath(path));
  const tensor = (name: string) => {
    const found = tensors.get(name);
    if (found === undefined) throw new Error(`${path} holds no tensor ${name}`);
    return found;
  };
  return {
    names: [...tensors.keys()],
    float32: (name) => toFloat32(tensor(name), name),
    numbers: (name) => toNumbers(tensor(name), name),
    shape: (name) => tensor(name).shape,
  };
}

/** All floating-point tensors of a file as parameters, each with a copy of its data. */
export async function readParameters(path: string): Promise<ParameterTree> {
  const { tensors } = await readSafetensors(fixturePath(path));
  return toParameters(tensors);
}

export function toParameters(tensors: StoredTensors): ParameterTree {
  const tree = new Map<string, Parameter>();
  for (const [name, tensor] of tensors) {
    tree.set(name, { name, shape: tensor.shape, data: toFloat32(tensor, name).slice() });
  }
  return tree;
}

/** `[B, C, H, W]` → `[B, H, W, C]`. */
export function toChannelsLast(data: Float32Array, [batch, channels, height, width]: readonly number[]): Float32Array {
  const result = new Float32Array(data.length);
  let from = 0;
  for (let b = 0; b < batch!; b++) {
    for (let c = 0; c < channels!; c++) {
      for (let pixel = 0; pixel < height! * width!; pixel++) {
        result[(b * height! * width! + pixel) * channels! + c] = data[from++]!;
      }
    }
  }
  return result;
}

/** `[A, B, D]` → `[B, A, D]`. */
export function swapFirstAxes(data: Float32Array, [a, b, d]: readonly number[]): Float32Array {
  const result = new Float32Array(data.length);
  for (let i = 0; i < a!; i++) {
    for (let j = 0; j < b!; j++) result.set(data.subarray((i * b! + j) * d!, (i * b! + j + 1) * d!), (j * a! + i) * d!);
  }
  return result;
}

/** Largest difference over the expected tensor's largest value. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) throw new Error(`${actual.length} values, expected ${expected.length}`);
  let [difference, largest] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    const distance = Math.abs(actual[i]! - expected[i]!);
    if (!(distance <= difference)) difference = distance;
    largest = Math.max(largest, Math.abs(expected[i]!));
  }
  return largest === 0 ? difference : difference / largest;
}

export function expectClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
  name: string,
): void {
  expect(relativeError(actual, expected), name).toBeLessThanOrEqual(tolerance);
}
