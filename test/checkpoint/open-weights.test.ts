import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { toFloat32 } from '#core/checkpoint/files/stored-tensor.js';
import { openWeights } from '#core/checkpoint/open-weights.js';
import { optimizerTensors, saveCheckpoint } from '#core/checkpoint/save.js';
import type { ParameterTree } from '#core/contracts/tensor.js';
import { fixturePath } from '../fixture-path.js';
import { useTemporaryFolders } from '../temporary-folder.js';

const temporaryFolder = useTemporaryFolders();

function tree(values: Readonly<Record<string, readonly number[]>>): ParameterTree {
  return new Map(
    Object.entries(values).map(([name, list]) => [name, { name, shape: [list.length], data: Float32Array.from(list) }]),
  );
}

describe('opened weights', () => {
  it('are the moving average where there is one, and the rest as it is', async () => {
    const path = join(await temporaryFolder(), 'last.safetensors');
    const latest = tree({ 'blocks.0.weight': [1, 2], pos_embed: [3] });
    const extra = optimizerTensors({
      exp_avg: tree({ 'blocks.0.weight': [7, 7] }),
      ema: tree({ 'blocks.0.weight': [5, 6] }),
    });
    await saveCheckpoint(path, latest, { extra, metadata: { note: 'kept' } });
    const { tensors, shapes, metadata, source } = await openWeights(path);
    expect([...tensors].map(([name, tensor]) => [name, [...toFloat32(tensor, name)]])).toEqual([
      ['blocks.0.weight', [5, 6]],
      ['pos_embed', [3]],
    ]);
    expect([...shapes]).toEqual([
      ['blocks.0.weight', [2]],
      ['pos_embed', [1]],
    ]);
    expect(metadata).toMatchObject({ note: 'kept' });
    expect(source).toBe('mae-tasks');
  });

  it('are those of the file where there is none, from any source', async () => {
    const official = await openWeights(fixturePath('mae/mae.pth'));
    expect(official).toMatchObject({ source: 'official', metadata: {} });
    expect(official.shapes.get('pos_embed')).toEqual([1, 17, 48]);
    const theirs = await openWeights(fixturePath('hugging-face/mae-4.57.6.safetensors'));
    expect(theirs.source).toBe('hugging-face');
    expect(theirs.tensors.has('blocks.0.attn.qkv.weight')).toBe(true);
  });
});
