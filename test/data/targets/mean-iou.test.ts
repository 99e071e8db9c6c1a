import { describe, expect, it } from 'vitest';
import { createMeanIou } from '#core/data/targets/mean-iou.js';

describe('mean IoU', () => {
  it('is of sums over the set, absent classes left out', () => {
    const metric = createMeanIou({ numClasses: 4, classNames: ['a', 'b'] });
    metric.update([0, 0, 1, 1], [0, 1, 1, 255], 'one');
    metric.update([2, 0, 1], [0, 0, 1], 'two');
    const { aAcc, mIoU, mAcc, perClass } = metric.compute();
    // a: 2 of 2+3−2, b: 2 of 3+2−2, third: predicted once and never there, fourth: absent.
    expect(aAcc).toBeCloseTo(4 / 6, 12);
    expect(perClass.map(({ iou }) => iou)).toEqual([2 / 4, 2 / 3, 0, Number.NaN]);
    expect(perClass.map(({ accuracy }) => accuracy)).toEqual([2 / 3, 2 / 3, Number.NaN, Number.NaN]);
    expect(mIoU).toBeCloseTo((2 / 4 + 2 / 3 + 0) / 3, 12);
    expect(mAcc).toBeCloseTo(2 / 3, 12);
    expect(perClass[2]!.name).toBe('class 2');
  });

  it('refuses values that are no class, by name', () => {
    const metric = createMeanIou({ numClasses: 2, ignoreIndex: 254 });
    expect(() => {
      metric.update([0], [255], 'x.png');
    }).toThrow(/label is 255.*x\.png.*255 turned into 1/);
    expect(() => {
      metric.update([7], [0], 'x.png');
    }).toThrow(/prediction is 7/);
    expect(() => {
      metric.update([0, 0], [0], 'x.png');
    }).toThrow(/2 predictions for 1 labels/);
  });
});
