import { describe, expect, it } from 'vitest';
import { interpolateBicubic } from '#core/nn/interpolate-bicubic.js';

describe('bicubic interpolation', () => {
  it('returns the grid itself at the same size', () => {
    const values = Float32Array.from({ length: 3 * 4 * 2 }, (_, i) => Math.sin(i));
    const size = { height: 3, width: 4 };
    expect(interpolateBicubic(values, size, size)).toEqual(values);
  });

  it('keeps constants, also where it shrinks and at a grid of one cell', () => {
    const constant = new Float32Array(5 * 5).fill(2.5);
    const shrunk = interpolateBicubic(constant, { height: 5, width: 5 }, { height: 2, width: 3 });
    for (const value of shrunk) expect(value).toBeCloseTo(2.5, 6);
    expect([...interpolateBicubic(Float32Array.of(7), { height: 1, width: 1 }, { height: 2, width: 2 })]).toEqual([
      7, 7, 7, 7,
    ]);
  });

  it('gives the values of torch.nn.functional.interpolate on a row', () => {
    // F.interpolate(torch.tensor([[[[0., 1., 4., 9.]]]]), size=(1, 6), mode='bicubic', align_corners=False)
    const row = interpolateBicubic(Float32Array.of(0, 1, 4, 9), { height: 1, width: 4 }, { height: 1, width: 6 });
    const torch = [-0.08680555, 0.21875, 1.43055556, 3.15277778, 6.78125, 9.43402778];
    torch.forEach((value, index) => expect(row[index]).toBeCloseTo(value, 6));
  });

  it('treats height and width alike', () => {
    const values = Float32Array.from({ length: 6 }, (_, i) => i * i);
    const transposed = Float32Array.from({ length: 6 }, (_, i) => values[(i % 2) * 3 + Math.floor(i / 2)]!);
    const a = interpolateBicubic(values, { height: 2, width: 3 }, { height: 4, width: 5 });
    const b = interpolateBicubic(transposed, { height: 3, width: 2 }, { height: 5, width: 4 });
    for (let y = 0; y < 4; y++) for (let x = 0; x < 5; x++) expect(a[y * 5 + x]).toBeCloseTo(b[x * 4 + y]!, 5);
  });
});
