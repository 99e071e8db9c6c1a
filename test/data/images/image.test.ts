import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import sharp, { type Sharp } from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withChannels } from '#core/data/images/channels.js';
import { encodeJpeg, encodePng } from '#core/data/images/encode-image.js';
import { type DecodeOptions, decodeImage, openImage } from '#core/data/images/image.js';
import { readJpegHeader } from '#core/data/images/jpeg-header.js';
import type { Image } from '#core/data/images/picture.js';

let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mae-image-'));
});

afterAll(() => rmSync(folder, { recursive: true }));

function store(name: string, bytes: Uint8Array | string): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

function decode(path: string, options?: DecodeOptions): Promise<Image> {
  return decodeImage({ kind: 'file', path }, options);
}

/** A smooth picture whose corners differ, so that a turned or mirrored one is seen. */
function gradient(width: number, height: number): Image {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      data.set([(255 * x) / width, (255 * y) / height, 128 + (60 * x * y) / (width * height)], (y * width + x) * 3);
    }
  }
  return { data, width, height, channels: 3 };
}

function meanDifference(a: Image, b: Image): number {
  expect([a.width, a.height, a.channels]).toEqual([b.width, b.height, b.channels]);
  return a.data.reduce((sum, value, at) => sum + Math.abs(value - b.data[at]!), 0) / a.data.length;
}

const picture = gradient(48, 32);
const raw = (): Sharp => sharp(picture.data, { raw: { width: 48, height: 32, channels: 3 } });

describe('formats', () => {
  it('decodes a PNG to the same pixels', async () => {
    expect(await decode(store('a.png', await encodePng(picture)))).toEqual(picture);
  });

  it('decodes a JPEG, nearly the same', async () => {
    expect(meanDifference(await decode(store('a.bin', await encodeJpeg(picture))), picture)).toBeLessThan(4);
  });

  it.each([
    ['TIFF', () => raw().tiff({ compression: 'lzw' }).toBuffer(), 0.1],
    ['WebP', () => raw().webp({ quality: 90 }).toBuffer(), 4],
    ['AVIF', () => raw().avif({ quality: 90 }).toBuffer(), 4],
    ['GIF', () => raw().gif({ dither: 0 }).toBuffer(), 8],
    ['palette PNG', () => raw().png({ palette: true, dither: 0 }).toBuffer(), 8],
    ['progressive JPEG', () => raw().jpeg({ progressive: true }).toBuffer(), 4],
    ['CMYK JPEG', () => raw().toColourspace('cmyk').jpeg({ quality: 100 }).toBuffer(), 40],
  ] as const)('decodes a %s named .jpg by its content', async (_, encode, tolerance) => {
    const decoded = await decode(store('misnamed.jpg', await encode()));
    expect(meanDifference(decoded, picture)).toBeLessThan(tolerance);
  });

  it('decodes the first frame of an animation', async () => {
    const frames = Buffer.concat([Buffer.alloc(16 * 16 * 3, 250), Buffer.alloc(16 * 16 * 3, 5)]);
    const bytes = await sharp(frames, { raw: { width: 16, height: 32, channels: 3, pageHeight: 16 } })
      .gif()
      .toBuffer();
    const decoded = await decode(store('animated.gif', bytes));
    expect([decoded.width, decoded.height]).toEqual([16, 16]);
    expect(decoded.data[0]).toBeGreaterThan(240);
  });

  it('keeps the high byte of 16-bit grey', async () => {
    const values = [0, 255, 256, 0x1234, 0x8000, 0xffff];
    const bytes = PNG.sync.write(
      Object.assign(new PNG({ width: 6, height: 1, bitDepth: 16, colorType: 0 }), {
        data: Buffer.from(Uint16Array.from(values.flatMap((value) => [value, value, value, 0xffff])).buffer),
      }),
      { bitDepth: 16, colorType: 0, inputColorType: 6 },
    );
    const { data } = await decode(store('grey16.png', bytes), { channels: 1 });
    expect([...data]).toEqual(values.map((value) => value >> 8));
  });

  it('decodes a 1 × 1 picture', async () => {
    const one: Image = { data: Uint8Array.of(7, 8, 9), width: 1, height: 1, channels: 3 };
    expect(await decode(store('one.png', await encodePng(one)))).toEqual(one);
  });
});

describe('channels', () => {
  const alphaPicture: Image = {
    data: Uint8Array.of(10, 20, 30, 0, 200, 100, 0, 128),
    width: 2,
    height: 1,
    channels: 4,
  };

  it('rounds every level at every opacity', () => {
    for (const background of [0, 1, 77, 128, 255]) {
      const levels = Uint8Array.from({ length: 256 * 256 * 2 }, (_, at) => (at % 2 === 0 ? at >> 9 : (at >> 1) & 255));
      const grey = withChannels({ data: levels, width: 256, height: 256, channels: 2 }, 1, [
        background,
        background,
        background,
      ]);
      const expected = grey.data.map((_, at) =>
        Math.round(((at >> 8) * (at & 255) + background * (255 - (at & 255))) / 255),
      );
      expect(grey.data).toEqual(expected);
    }
  });

  it('lays transparent pictures on white, or on the given background', async () => {
    const path = store('alpha.png', await encodePng(alphaPicture));
    expect([...(await decode(path)).data]).toEqual([255, 255, 255, 227, 177, 127]);
    expect([...(await decode(path, { background: [0, 0, 0] })).data]).toEqual([0, 0, 0, 100, 50, 0]);
  });

  it('keeps alpha where 4 channels are asked for, and adds it where there is none', async () => {
    expect(await decode(store('alpha.png', await encodePng(alphaPicture)), { channels: 4 })).toEqual(alphaPicture);
    const opaque = await decode(store('opaque.png', await encodePng(picture)), { channels: 4 });
    expect([...opaque.data.subarray(0, 4)]).toEqual([...picture.data.subarray(0, 3), 255]);
  });

  it('repeats grey in three channels, and weighs colour into grey as Pillow does', async () => {
    const grey: Image = { data: Uint8Array.of(0, 90, 255), width: 3, height: 1, channels: 1 };
    const path = store('grey.png', await encodePng(grey));
    expect(await decode(path, { channels: 1 })).toEqual(grey);
    expect([...(await decode(path)).data]).toEqual([0, 0, 0, 90, 90, 90, 255, 255, 255]);
    const colors: Image = { data: Uint8Array.of(255, 0, 0, 0, 255, 0, 0, 0, 255), width: 3, height: 1, channels: 3 };
    const weighed = await decode(store('rgb.png', await encodePng(colors)), { channels: 1 });
    // Image.convert('L') of pure red, green and blue.
    expect([...weighed.data]).toEqual([76, 150, 29]);
  });

  it('keeps any number of channels of pixels in memory, but does not invent a conversion', async () => {
    const data = Uint8Array.from({ length: 20 }, (_, at) => at);
    const source = { kind: 'pixels', data, width: 2, height: 2, channels: 5 } as const;
    expect((await decodeImage(source, { channels: 5 })).data).toEqual(data);
    await expect(decodeImage(source)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  it('refuses pixels in memory whose number does not fit their size', async () => {
    const source = { kind: 'pixels', data: new Uint8Array(7), width: 2, height: 2, channels: 3 } as const;
    await expect(decodeImage(source)).rejects.toMatchObject({ code: 'IMAGE_INVALID' });
  });
});

describe('orientation', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('EXIF orientation %i is applied, to boxes too', async (orientation) => {
    const encode = (): Promise<Uint8Array> => raw().withMetadata({ orientation }).jpeg({ quality: 95 }).toBuffer();
    const path = store('turned.jpg', await encode());
    const upright = await decode(path);
    const expected = orientationOf(picture, orientation);
    expect(meanDifference(upright, expected)).toBeLessThan(4);
    const opened = await openImage({ kind: 'file', path });
    expect([opened.width, opened.height]).toEqual([expected.width, expected.height]);
    const part = await opened.read([4, 6, 20, 25]);
    expect(meanDifference(part, cutOut(upright, 4, 6, 16, 19))).toBe(0);
    const options = { failOn: 'warning', autoOrient: true } as const;
    expect(upright.data).toEqual(
      new Uint8Array(
        await sharp(await encode(), options)
          .raw()
          .toBuffer(),
      ),
    );
    const stored = await decode(path, { orient: false });
    expect(meanDifference(stored, picture)).toBeLessThan(4);
  });

  it('is read from PNG and WebP as well', async () => {
    for (const encode of [() => raw().png(), () => raw().webp({ lossless: true })]) {
      const path = store('turned.bin', await encode().withMetadata({ orientation: 6 }).toBuffer());
      expect(await decode(path)).toEqual(orientationOf(picture, 6));
      expect(await decode(path, { orient: false })).toEqual(picture);
    }
  });
});

/** The stored picture as a viewer shows it; EXIF 2.3, tag 0x0112, in the order of its table. */
function orientationOf(image: Image, orientation: number): Image {
  const turned = orientation >= 5;
  const [width, height] = turned ? [image.height, image.width] : [image.width, image.height];
  const data = new Uint8Array(image.data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let [column, row] = turned ? [y, x] : [x, y];
      if ([2, 3, 7, 8].includes(orientation)) column = image.width - 1 - column;
      if ([3, 4, 6, 7].includes(orientation)) row = image.height - 1 - row;
      const from = (row * image.width + column) * 3;
      data.set(image.data.subarray(from, from + 3), (y * width + x) * 3);
    }
  }
  return { data, width, height, channels: 3 };
}

function cutOut(image: Image, left: number, top: number, width: number, height: number): Image {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * image.width + left) * 3;
    data.set(image.data.subarray(from, from + width * 3), y * width * 3);
  }
  return { data, width, height, channels: 3 };
}

describe('boxes', () => {
  it.each(['png', 'jpeg', 'webp'] as const)('a box of a %s has the pixels of the whole', async (format) => {
    const path = store('boxed', await raw().toFormat(format).toBuffer());
    const whole = await decode(path);
    const opened = await openImage({ kind: 'file', path });
    expect(await opened.read([3, 2, 47, 9])).toEqual(cutOut(whole, 3, 2, 44, 7));
    expect(await opened.read([0, 31, 1, 32])).toEqual(cutOut(whole, 0, 31, 1, 1));
  });
});

describe('broken pictures', () => {
  const rejects = async (path: string, message: RegExp): Promise<void> => {
    await expect(decode(path)).rejects.toMatchObject({ name: 'MaeError', code: 'IMAGE_INVALID' });
    await expect(decode(path)).rejects.toThrow(message);
    await expect(decode(path)).rejects.toThrow(path);
  };

  it('names a text file called .jpg', () => rejects(store('text.jpg', 'not a picture'), /not a readable picture/u));
  it('names an empty file', () => rejects(store('empty.png', ''), /file is empty/u));
  it('names a missing file', () => rejects(join(folder, 'missing.png'), /no such picture/u));
  it('names a folder', async () => {
    const path = join(folder, 'folder.jpg');
    mkdirSync(path);
    await rejects(path, /a folder, not a picture/u);
  });

  it.each(['png', 'jpeg', 'webp'] as const)('refuses a truncated %s instead of showing half of it', async (format) => {
    const bytes = await sharp(gradient(300, 200).data, { raw: { width: 300, height: 200, channels: 3 } })
      .toFormat(format)
      .toBuffer();
    for (const share of [0.3, 0.6, 0.9]) {
      await rejects(store('cut.bin', bytes.subarray(0, Math.floor(bytes.length * share))), /not a readable picture/u);
    }
  });

  it.each(['png', 'jpeg', 'webp'] as const)(
    'refuses a truncated %s even where what is left would do',
    async (format) => {
      const bytes = await sharp(gradient(300, 200).data, { raw: { width: 300, height: 200, channels: 3 } })
        .toFormat(format)
        .toBuffer();
      const path = store('cut.bin', bytes.subarray(0, bytes.length - 20));
      await expect(openImage({ kind: 'file', path })).rejects.toMatchObject({ code: 'IMAGE_INVALID' });
    },
  );

  it.each([false, true])('refuses damaged JPEG data instead of showing grey (progressive: %s)', async (progressive) => {
    const bytes = await raw().resize(300, 200).jpeg({ progressive, quality: 95 }).toBuffer();
    bytes.set([0xff, 0xd9], bytes.length >> 1);
    await rejects(store('damaged.jpg', bytes), /not a readable picture: VipsJpeg/u);
  });

  it('refuses a JPEG header that claims far more pixels than the data holds', async () => {
    const bytes = Buffer.from(await encodeJpeg(picture));
    const frame = bytes.indexOf(Buffer.of(0xff, 0xc0));
    bytes.writeUInt16BE(16_000, frame + 5);
    bytes.writeUInt16BE(1000, frame + 7);
    await rejects(store('claims.jpg', bytes), /not a readable picture/u);
    bytes.writeUInt16BE(65_000, frame + 7);
    await expect(decode(store('claims.jpg', bytes))).rejects.toMatchObject({ code: 'IMAGE_TOO_LARGE' });
  });

  it('accepts bytes after the end of a JPEG, as cameras write them', async () => {
    const bytes = Buffer.concat([await encodeJpeg(picture), Buffer.alloc(5000)]);
    expect((await decode(store('trailing.jpg', bytes))).width).toBe(48);
  });

  it('checks the pixel limit before decoding: a warning above, an error above twice', async () => {
    const source = { kind: 'file', path: store('large.png', await encodePng(picture)) } as const;
    expect((await openImage(source, { maxPixels: 48 * 32 })).warning).toBeUndefined();
    expect((await openImage(source, { maxPixels: 1000 })).warning).toContain('48 × 32 = 1536 pixels');
    await expect(openImage(source, { maxPixels: 700 })).rejects.toMatchObject({ code: 'IMAGE_TOO_LARGE' });
  });

  it('refuses a header that claims far too many pixels without allocating them', async () => {
    const bytes = Buffer.from(await encodePng(picture));
    const header = Buffer.concat([Buffer.from('IHDR'), bytes.subarray(16, 29)]);
    header.writeUInt32BE(60_000, 4);
    header.writeUInt32BE(60_000, 8);
    header.copy(bytes, 12);
    bytes.writeUInt32BE(crc32(header), 29);
    await expect(decode(store('bomb.png', bytes))).rejects.toMatchObject({ code: 'IMAGE_TOO_LARGE' });
  });
});

/** The checksum of PNG chunks (ISO 3309). */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

describe('readJpegHeader', () => {
  it('agrees with libvips about size and orientation', async () => {
    for (const orientation of [1, 3, 6, 8]) {
      for (const options of [{}, { progressive: true }, { chromaSubsampling: '4:4:4' }]) {
        const bytes = await raw()
          .resize(30, 50, { fit: 'fill' })
          .withMetadata({ orientation })
          .jpeg(options)
          .toBuffer();
        const metadata = await sharp(bytes).metadata();
        expect(readJpegHeader(bytes)).toEqual({
          width: metadata.width,
          height: metadata.height,
          components: metadata.channels,
          orientation: metadata.orientation ?? 1,
          complete: true,
        });
      }
    }
  });

  it('never throws on damaged bytes', async () => {
    const bytes = await raw().withMetadata({ orientation: 6 }).jpeg().toBuffer();
    for (let at = 0; at < Math.min(bytes.length, 700); at++) {
      for (const value of [0, 255]) {
        const damaged = Buffer.from(bytes);
        damaged[at] = value;
        expect(() => readJpegHeader(damaged)).not.toThrow();
      }
      expect(() => readJpegHeader(bytes.subarray(0, at))).not.toThrow();
    }
  });
});
