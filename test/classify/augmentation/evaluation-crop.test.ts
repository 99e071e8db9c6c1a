import { describe, expect, it } from 'vitest';
import { evaluationTransforms } from '#core/train/inputs/transform-recipes.js';
import { classifySettings } from '../../../packages/plugin-classify/src/settings.js';
import { trainTransforms } from '../../../packages/plugin-classify/src/augmentation/transforms.js';

const statistics = { mean: [0.5], std: [0.5] };
const sideBeforeCrop = (size: number, cropPct?: number | null): unknown =>
  evaluationTransforms([size, size], statistics, cropPct)[0]!.options?.size;

describe('the part of a picture that evaluation looks at', () => {
  it.each([
    [224, undefined, 256],
    [224, null, 256],
    [28, undefined, 32],
    [384, undefined, 384],
    [28, 1, 28],
    [224, 0.95, 235],
    [384, 0.9, 426],
  ])('at %i pixels with cropPct %s is the middle of a side of %i', (size, cropPct, side) => {
    expect(sideBeforeCrop(size, cropPct)).toBe(side);
  });

  it('is what training without a random crop looks at too', () => {
    const augmentation = { cropScale: null, flip: 0, randAugment: null, randomErasing: 0 };
    const { cropPct, ...settings } = classifySettings.parse({ cropPct: 1, augmentation });
    const training = trainTransforms([28, 28], { ...settings, cropPct }, statistics);
    expect(training).toEqual(evaluationTransforms([28, 28], statistics, 1));
  });
});
