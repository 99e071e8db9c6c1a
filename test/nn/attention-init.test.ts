import { describe, expect, it } from 'vitest';
import { createRandom } from '#core/base/random.js';
import { defaultMaskOptions } from '#core/models/mae-config.js';
import { maeSpecs } from '#core/models/mae.js';
import { tieKeysToQueries } from '#core/nn/attention.js';
import { initializeParameters } from '#core/nn/params.js';
import { TINY_VIT } from '../models/tiny-models.js';

describe('keys that begin as the queries', () => {
  it('are so in every block of encoder and decoder, and nothing else changes', () => {
    const config = { ...TINY_VIT, decoderEmbedDim: 16, decoderDepth: 1, decoderNumHeads: 2 };
    const specs = maeSpecs(config, defaultMaskOptions);
    const [before, after] = [1, 2].map(() => initializeParameters(specs, createRandom(4)));
    tieKeysToQueries(after!);
    let layers = 0;
    for (const [name, { data, shape }] of after!) {
      const old = before!.get(name)!.data;
      if (!name.endsWith('attn.qkv.weight')) {
        expect(data, name).toEqual(old);
        continue;
      }
      layers++;
      const size = (shape[0]! / 3) * shape[1]!;
      expect(data.subarray(size, 2 * size)).toEqual(data.subarray(0, size));
      expect(data.subarray(0, size)).toEqual(old.subarray(0, size));
      expect(data.subarray(2 * size)).toEqual(old.subarray(2 * size));
      expect(old.subarray(size, 2 * size)).not.toEqual(old.subarray(0, size));
    }
    expect(layers).toBe(TINY_VIT.depth + 1);
  });
});
