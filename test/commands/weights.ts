import { join } from 'node:path';
import { expect } from 'vitest';
import { readSafetensors } from '#core/checkpoint/files/safetensors.js';

/** Two runs' last checkpoints hold the same tensors, to the last bit. */
export async function expectSameWeights(actual: string, expected: string): Promise<void> {
  const [a, b] = await Promise.all([actual, expected].map(weightsOf));
  expect([...a!.keys()]).toEqual([...b!.keys()]);
  expect(a!.size).toBeGreaterThan(0);
  for (const [name, bytes] of b!) expect(Buffer.compare(a!.get(name)!, bytes), name).toBe(0);
}

async function weightsOf(run: string): Promise<Map<string, Buffer>> {
  const { tensors } = await readSafetensors(join(run, 'weights', 'last.safetensors'));
  return new Map(
    [...tensors].map(([name, { data }]) => [name, Buffer.from(data.buffer, data.byteOffset, data.byteLength)]),
  );
}
