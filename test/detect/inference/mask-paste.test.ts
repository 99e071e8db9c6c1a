import { describe, expect, it } from 'vitest';
import { pasteMask } from '@mae-tasks/plugin-detect';
import { regionToBitmap } from '../../data/targets/region-bitmap.js';

describe('pasting masks', () => {
  const full = new Float32Array(28 * 28).fill(1);

  it('covers exactly the box, where the mask is full', () => {
    const picture = { width: 30, height: 20 };
    const bitmap = regionToBitmap(pasteMask(full, Float32Array.of(4, 6, 19, 11), 0, picture), picture);
    bitmap.forEach((value, i) => {
      const [x, y] = [i % 30, Math.floor(i / 30)];
      expect(value, `${x}, ${y}`).toBe(Number(x >= 4 && x < 19 && y >= 6 && y < 11));
    });
  });

  it('gives nothing outside the picture, nor for a box without area', () => {
    const picture = { width: 30, height: 20 };
    for (const box of [
      Float32Array.of(40, 40, 60, 60),
      Float32Array.of(-30, -30, -10, -10),
      Float32Array.of(5, 5, 5, 5),
    ]) {
      expect(pasteMask(full, box, 0, picture).data.some((value) => value === 1)).toBe(false);
    }
    expect(pasteMask(full, Float32Array.of(-10, -10, 5, 5), 0, picture)).toMatchObject({ left: 0, top: 0 });
  });
});
