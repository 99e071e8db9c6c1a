import { describe, expect, it } from 'vitest';
import { levelNormalizer, plainNormalizer } from '#core/data/images/normalize-levels.js';
import { createRandom } from '#core/base/random.js';

describe('levelNormalizer', () => {
  it.each([1, 2, 3, 4, 5])('has the table’s values to the last bit, with %i channels', (channels) => {
    const random = createRandom(channels);
    const draw = (low: number) => Array.from({ length: channels }, () => low + random.uniform());
    const [mean, std] = [draw(0), draw(0.1)];
    const [normalize, expected] = [levelNormalizer(mean, std), plainNormalizer(mean, std)];
    for (const pixels of [0, 1, 5, 7, 256, 3]) {
      const levels = Uint8Array.from({ length: pixels * channels }, () => random.integer(256));
      expect(normalize(levels)).toEqual(expected(levels));
    }
  });

  it('keeps what it returned when it is used again', () => {
    const normalize = levelNormalizer([0.5], [0.25]);
    const first = normalize(Uint8Array.of(0, 255));
    normalize(Uint8Array.of(10, 20));
    expect([...first]).toEqual([-2, 2]);
  });
});
