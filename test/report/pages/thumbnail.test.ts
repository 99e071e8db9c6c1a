import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { thumbnail } from '#core/report/pages/thumbnail.js';

/** A PNG that does not compress. */
async function noise(width: number, height: number): Promise<Buffer> {
  let state = 1;
  const pixels = Uint8Array.from({ length: 3 * width * height }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 24;
  });
  return sharp(pixels, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
}

describe('thumbnail', () => {
  it('is the picture itself where that is small', async () => {
    const png = await sharp({ create: { width: 20, height: 10, channels: 3, background: 'red' } })
      .png()
      .toBuffer();
    const { mediaType, bytes } = await thumbnail(png);
    expect(mediaType === 'image/png' ? bytes : png).toEqual(png);
    expect(bytes.length).toBeLessThanOrEqual(png.length);
  });

  it('is no wider than the page', async () => {
    const { mediaType, bytes } = await thumbnail(await noise(600, 90), { maxWidth: 300 });
    expect(mediaType).toBe('image/jpeg');
    expect(await sharp(bytes).metadata()).toMatchObject({ format: 'jpeg', width: 300, height: 45 });
  });

  it('is shrunk until it takes no more than it may', async () => {
    const png = await noise(500, 300);
    const { bytes } = await thumbnail(png, { maxBytes: 20_000 });
    expect(bytes.length).toBeLessThanOrEqual(20_000);
    const { width, height } = await sharp(bytes).metadata();
    expect(width / height).toBeCloseTo(5 / 3, 1);
    // Even where nothing would be small enough, there is an end.
    expect((await thumbnail(png, { maxBytes: 0 })).bytes.length).toBeGreaterThan(0);
  });
});
