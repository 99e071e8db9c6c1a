import { describe, expect, it } from 'vitest';
import type { Dataset } from '#core/contracts/dataset.js';
import { measureData } from '#core/data/tools/measure-data.js';
import { labelledPictures } from '../../pictures/labelled-pictures.js';
import { objectPictures } from '../../pictures/object-pictures.js';

describe('a data set in a few numbers', () => {
  it('has the pictures’ median size and the side that a quarter of the objects fall below', async () => {
    const data = objectPictures(12);
    const measures = await measureData(data);
    expect(measures).toMatchObject({ pictures: 12 });
    const sides: number[] = [];
    for (let index = 0; index < data.size; index++) {
      const { boxes, crowds } = data.item(index).target!;
      crowds.forEach((crowd, i) => {
        const [x0, y0, x1, y1] = boxes.subarray(4 * i, 4 * i + 4) as unknown as [number, number, number, number];
        if (crowd === 0) sides.push(Math.sqrt((x1 - x0) * (y1 - y0)));
      });
    }
    const smaller = sides.filter((side) => side < measures.objectSide!).length;
    expect(smaller / sides.length).toBeGreaterThan(0.15);
    expect(smaller / sides.length).toBeLessThanOrEqual(0.25);
  });

  it('takes the rows’ stretches of index maps for objects, but for what covers most', async () => {
    const labels = new Uint8Array(20 * 20);
    for (let y = 4; y < 10; y++) labels.fill(1, 20 * y + 3, 20 * y + 10);
    // A border of a pixel that does not count.
    for (let y = 0; y < 20; y++) labels[20 * y + 15] = 255;
    const map: Dataset = {
      name: 'maps',
      size: 3,
      item: (index) => ({
        id: `${index}.png`,
        image: { kind: 'pixels', data: new Uint8Array(1200), width: 20, height: 20, channels: 3 },
        target: { width: 20, height: 20, labels },
      }),
      warnings: [],
    };
    expect(await measureData(map)).toEqual({ pictures: 3, width: 20, height: 20, objectSide: 7 });
  });

  it('says nothing of objects where there are none, and nothing of pictures that cannot be read', async () => {
    const data = labelledPictures({ count: 6 });
    expect((await measureData(data)).objectSide).toBeUndefined();
    const gone: Dataset = {
      ...data,
      item: (index) => ({ ...data.item(index), image: { kind: 'file', path: '/nowhere/at-all.png' } }),
    };
    expect(await measureData(gone)).toMatchObject({ width: undefined, height: undefined });
  });
});
