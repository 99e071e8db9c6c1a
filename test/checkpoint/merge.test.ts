import { describe, expect, it } from 'vitest';
import { mergeCheckpoint } from '#core/checkpoint/merge.js';
import { formatMergeReport } from '#core/checkpoint/merge-report.js';
import { readSafetensors } from '#core/checkpoint/files/safetensors.js';
import type { StoredTensor } from '#core/checkpoint/files/stored-tensor.js';
import type { ParameterTree, Shape } from '#core/contracts/tensor.js';
import { MaeError } from '#core/base/errors.js';
import { allocateOnHeap } from '#core/nn/params.js';
import { fixturePath } from '../fixture-path.js';

function tree(shapes: Record<string, Shape>): ParameterTree {
  return allocateOnHeap(shapes);
}

function stored(shape: Shape, ...values: number[]): StoredTensor {
  return { dtype: 'F32', shape, data: Float32Array.from(values) };
}

function refusal(run: () => unknown): MaeError {
  try {
    run();
  } catch (error) {
    if (error instanceof MaeError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('strict merging', () => {
  it('copies what fits and reports it', () => {
    const parameters = tree({ 'a.weight': [2], 'a.bias': [1] });
    const tensors = new Map([
      ['a.bias', stored([1], 3)],
      ['a.weight', stored([2], 1, 2)],
    ]);
    const report = mergeCheckpoint(parameters, tensors, { path: 'x.safetensors' });
    expect(report).toMatchObject({ loaded: ['a.weight', 'a.bias'], missing: [], unexpected: [], mismatched: [] });
    expect([...parameters.get('a.weight')!.data]).toEqual([1, 2]);
    expect(formatMergeReport(report)).toBe('2 tensors match');
  });

  it('lists every difference by name, and copies nothing then', () => {
    const parameters = tree({ good: [1], 'head.weight': [2, 2], lost: [1], gone: [3] });
    const tensors = new Map([
      ['good', stored([1], 5)],
      ['head.weight', stored([1, 4], 1, 2, 3, 4)],
      ['extra', stored([1], 1)],
      ['decoder_norm.bias', stored([1], 1)],
    ]);
    const error = refusal(() => mergeCheckpoint(parameters, tensors, { path: 'x.pth' }));
    expect(error).toMatchObject({ code: 'CHECKPOINT_MISMATCH', where: 'x.pth' });
    expect(error.message).toContain('missing in the checkpoint (2):\n  lost\n  gone');
    expect(error.message).toContain('not used by the model (2):\n  extra\n  decoder_norm.bias');
    expect(error.message).toContain(
      'of another shape (1):\n  head.weight: [1, 4] in the checkpoint, [2, 2] in the model',
    );
    expect(parameters.get('good')!.data[0]).toBe(0);
  });

  it('lets pass exactly the names and prefixes that are listed, and still reports them', () => {
    const parameters = tree({ good: [1], 'head.weight': [2, 2], 'head.bias': [2], header: [1] });
    const tensors = new Map([
      ['good', stored([1], 5)],
      ['header', stored([1], 6)],
      ['head.weight', stored([1, 4], 1, 2, 3, 4)],
      ['mask_token', stored([1], 1)],
      ['decoder_blocks.0.norm1.bias', stored([1], 1)],
    ]);
    const options = { path: 'x', allowMissing: ['head.'], allowUnexpected: ['mask_token', 'decoder_blocks.'] };
    const report = mergeCheckpoint(parameters, tensors, options);
    expect(report.loaded).toEqual(['good', 'header']);
    expect(report.missing).toEqual(['head.bias']);
    expect(report.mismatched.map(({ name }) => name)).toEqual(['head.weight']);
    expect(report.unexpected).toEqual(['mask_token', 'decoder_blocks.0.norm1.bias']);
    expect(parameters.get('head.weight')!.data).toEqual(new Float32Array(4));
    // A prefix that does not end with a dot is a name, so `head` lets nothing pass.
    expect(refusal(() => mergeCheckpoint(parameters, tensors, { ...options, allowMissing: ['head'] })).code).toBe(
      'CHECKPOINT_MISMATCH',
    );
  });

  it('interpolates positions as the official fine-tuning code does', async () => {
    const { tensors } = await readSafetensors(fixturePath('mae/mae.safetensors'), (name) => name === 'pos_embed');
    const reference = await readSafetensors(fixturePath('mae/vit_forward.safetensors'), (name) => name === 'pos_embed');
    const parameters = tree({ pos_embed: [1, 37, 48] });
    const report = mergeCheckpoint(parameters, tensors, { path: 'mae.safetensors' });
    expect(report.reshaped).toEqual([{ name: 'pos_embed', stored: [1, 17, 48], expected: [1, 37, 48] }]);
    const expected = reference.tensors.get('pos_embed')!.data as Float32Array;
    const worst = parameters
      .get('pos_embed')!
      .data.reduce((max, value, i) => Math.max(max, Math.abs(value - expected[i]!)), 0);
    expect(worst).toBeLessThan(1e-6);
    expect(formatMergeReport(report)).toContain(
      'positions interpolated (1):\n  pos_embed: [1, 17, 48] in the checkpoint',
    );
  });

  it('interpolates to grids that are not square, even when the number of rows stays the same', () => {
    const square = stored([1, 5, 1], 9, 0, 1, 0, 1);
    const wide = tree({ pos_embed: [1, 5, 1] });
    const positions = { pos_embed: { from: { height: 2, width: 2 }, to: { height: 1, width: 4 } } };
    const report = mergeCheckpoint(wide, new Map([['pos_embed', square]]), { path: 'x', positions });
    expect(report.reshaped).toHaveLength(1);
    const [token, ...row] = wide.get('pos_embed')!.data;
    expect(token).toBe(9);
    expect(row[0]!).toBeLessThan(row[1]!);
    expect(row[1]!).toBeLessThan(row[2]!);
  });

  it('treats positions of another width as another shape', () => {
    const parameters = tree({ pos_embed: [1, 17, 4] });
    const tensors = new Map([['pos_embed', stored([1, 5, 3], ...new Array<number>(15).fill(0))]]);
    expect(refusal(() => mergeCheckpoint(parameters, tensors, { path: 'x' })).message).toContain(
      'of another shape (1)',
    );
  });
});
