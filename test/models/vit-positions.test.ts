import { describe, expect, it } from 'vitest';
import { sinCosPosEmbed } from '#core/models/pos-embed.js';
import { vitSpecs } from '#core/models/vit.js';
import { createRandom } from '#core/base/random.js';

const config = {
  imageSize: [8, 12] as const,
  patchSize: 4,
  inChannels: 1,
  embedDim: 8,
  depth: 1,
  numHeads: 2,
  mlpRatio: 4,
};

describe("a ViT's positions", () => {
  it.each([
    ['sinCos', false],
    ['learned', true],
  ] as const)('%s start as the sine-cosine table; trainable: %s', (kind, trainable) => {
    const { shape, init, trainable: isTrainable = true } = vitSpecs(config, kind).pos_embed!;
    expect(shape).toEqual([1, 7, 8]);
    expect(init(shape, createRandom(0))).toEqual(sinCosPosEmbed(8, 2, 3));
    expect(isTrainable).toBe(trainable);
  });
});
