import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { PNG } from 'pngjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DecodeOptions, decodeImage, openImage } from '#core/data/images/image.js';
import { tiffFile, type TiffPicture } from './tiff-file.js';

let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mae-values-'));
});

afterAll(() => rmSync(folder, { recursive: true }));

function store(bytes: Uint8Array): { readonly kind: 'file'; readonly path: string } {
  const path = join(folder, 'picture.bin');
  writeFileSync(path, bytes);
  return { kind: 'file', path };
}

async function grey(bytes: Uint8Array, options: DecodeOptions = {}): Promise<number[]> {
  return [...(await decodeImage(store(bytes), { channels: 1, ...options })).data];
}

/** One row of samples. */
function row(samples: TiffPicture['samples'], rest: Partial<TiffPicture> = {}): Buffer {
  return tiffFile({ width: samples.length / (rest.channels ?? 1), height: 1, samples, ...rest });
}

/** A 16-bit PNG of one row; sBIT says how many bits say something. */
function png16(values: readonly number[], significantBits?: number): Buffer {
  const bytes = PNG.sync.write(
    Object.assign(new PNG({ width: values.length, height: 1 }), {
      data: Buffer.from(Uint16Array.from(values.flatMap((value) => [value, value, value, 0xffff])).buffer),
    }),
    { bitDepth: 16, colorType: 0, inputColorType: 6 },
  );
  if (significantBits === undefined) return bytes;
  const chunk = Buffer.from([0, 0, 0, 1, 0x73, 0x42, 0x49, 0x54, significantBits, 0, 0, 0, 0]);
  chunk.writeUInt32BE(crc32(chunk.subarray(4, 9)), 9);
  return Buffer.concat([bytes.subarray(0, 33), chunk, bytes.subarray(33)]);
}

const level = (value: number, low: number, high: number): number =>
  Math.max(0, Math.min(255, Math.round(((value - low) / (high - low)) * 255)));

describe('values of more than 8 bits', () => {
  const values = [0, 1, 255, 256, 1000, 3000, 4095, 5000, 65535];

  it.each([
    ['a PNG', () => png16(values)],
    ['a TIFF', () => row(Uint16Array.from(values))],
    ['a TIFF with the highest byte first', () => row(Uint16Array.from(values), { bigEndian: true })],
  ])('keep their high byte in %s, or are scaled from the range that is set', async (_, file) => {
    expect(await grey(file())).toEqual(values.map((value) => value >> 8));
    expect(await grey(file(), { valueRange: [0, 4095] })).toEqual(values.map((value) => level(value, 0, 4095)));
    expect(await grey(file(), { valueRange: [1000, 3000] })).toEqual(values.map((value) => level(value, 1000, 3000)));
  });

  it('are scaled from the bits that sBIT names, whether or not they were scaled to 16', async () => {
    const twelve = [0, 5, 1000, 3000, 4095];
    const expected = twelve.map((value) => level(value, 0, 4095));
    expect(await grey(png16(twelve, 12))).toEqual(expected);
    const scaled = twelve.map((value) => (value << 4) | (value >> 8));
    const read = await grey(png16(scaled, 12));
    expect(Math.max(...read.map((value, index) => Math.abs(value - expected[index]!)))).toBeLessThanOrEqual(1);
    // A dark picture that was scaled has multiples of 16 alone.
    expect(Math.max(...(await grey(png16([0, 16, 32, 256], 12))))).toBe(1);
  });

  it('are scaled from what a TIFF says of its lowest and highest value', async () => {
    const twelve = Uint16Array.of(0, 1000, 3000, 4095);
    const tags = [[281, 3, [4095]]] as const;
    expect(await grey(row(twelve, { tags }))).toEqual([...twelve].map((value) => level(value, 0, 4095)));
    const hounsfield = Int16Array.of(-1024, -500, 0, 1000, 3071);
    const signed = [
      [340, 8, [-1024]],
      [341, 8, [3071]],
    ] as const;
    expect(await grey(row(hounsfield, { tags: signed }))).toEqual(
      [...hounsfield].map((value) => level(value, -1024, 3071)),
    );
  });

  it('of three colours are scaled alike, and boxes and turned pictures with them', async () => {
    const samples = Uint16Array.from({ length: 4 * 2 * 3 }, (_, at) => at * 130);
    const tags = [[274, 3, [6]]] as const;
    const source = store(tiffFile({ width: 4, height: 2, channels: 3, samples, tags }));
    const options = { valueRange: [0, 3000] } as const;
    const whole = await decodeImage(source, options);
    expect([whole.width, whole.height]).toEqual([2, 4]);
    // The first row of a picture that is turned to the right is its first column from below.
    expect([...whole.data.subarray(0, 6)]).toEqual([12, 13, 14, 0, 1, 2].map((at) => level(at * 130, 0, 3000)));
    const opened = await openImage(source, options);
    const box = await opened.read([1, 1, 2, 3]);
    expect([...box.data]).toEqual([3, 4, 5, 6, 7, 8].map((at) => level(at * 130, 0, 3000)));
    expect([opened.width, opened.height]).toEqual([2, 4]);
  });

  it('of transparent pictures: alpha has the whole range of its type', async () => {
    const samples = Uint16Array.of(4095, 0, 0, 65535, 0, 4095, 0, 0);
    const tags = [[338, 3, [2]]] as const;
    const file = row(samples, { channels: 4, tags });
    const { data } = await decodeImage(store(file), { channels: 4, valueRange: [0, 4095] });
    expect([...data]).toEqual([255, 0, 0, 255, 0, 255, 0, 0]);
  });
});

describe('signed values', () => {
  const values = [-1000, -1, 0, 1, 500, 3000];

  it.each([
    ['16 bits', Int16Array.from(values)],
    ['32 bits', Int32Array.from(values)],
  ])('of %s are scaled from the range that is set', async (_, samples) => {
    for (const bigEndian of [false, true]) {
      const read = await grey(row(samples, { bigEndian }), { valueRange: [-1000, 3000] });
      expect(read).toEqual(values.map((value) => level(value, -1000, 3000)));
    }
    const colors = await decodeImage(store(row(samples, { channels: 3 })), { valueRange: [-1000, 3000] });
    expect([...colors.data]).toEqual(values.map((value) => level(value, -1000, 3000)));
  });

  it('of 8 bits too', async () => {
    expect(await grey(row(Int8Array.of(-128, 0, 127)), { valueRange: [-128, 127] })).toEqual([0, 128, 255]);
  });

  it('whose 0 is white are turned around', async () => {
    for (const [samples, range] of [
      [Int16Array.of(-100, 0, 100), [-100, 100]],
      [Uint16Array.of(0, 100, 200), [0, 200]],
      [Float32Array.of(-1, 0, 1), [-1, 1]],
    ] as const) {
      expect(await grey(row(samples, { photometric: 0 }), { valueRange: range })).toEqual([255, 128, 0]);
    }
  });

  it('are refused where nothing tells what is black and white, with their numbers', async () => {
    const run = grey(row(Int16Array.from(values)));
    await expect(run).rejects.toMatchObject({ code: 'IMAGE_INVALID' });
    await expect(run).rejects.toThrow(
      /16-bit signed values are -1000 to 3000.*--set 'data.valueRange=\[-1000,3000\]'/u,
    );
    await expect(grey(row(Uint32Array.of(0, 70_000)))).rejects.toThrow(
      /32-bit unsigned .*data.valueRange=\[0,131071\]/u,
    );
  });
});

describe('floating-point values', () => {
  it('from 0 to 1 are scaled by themselves; what is no number is black', async () => {
    expect(await grey(row(Float32Array.of(0, 0.25, 0.5, 1, NaN)))).toEqual([0, 64, 128, 255, 0]);
  });

  it('are told by the whole picture, whatever box is read', async () => {
    const opened = await openImage(store(row(Float32Array.of(0, 0.5, 1, 2))), { channels: 1 });
    await expect(opened.read([0, 0, 2, 1])).rejects.toThrow(/values are 0 to 2/u);
  });

  it('beyond are refused, or scaled from the range that is set', async () => {
    const file = row(Float32Array.of(-0.5, 0, 0.75, 255));
    await expect(grey(file)).rejects.toThrow(/32-bit floating-point values are -0.5 to 255.*valueRange=\[-0.5,255\]/u);
    expect(await grey(file, { valueRange: [0, 255] })).toEqual([0, 0, 1, 255]);
    await expect(grey(row(Float32Array.of(NaN, Infinity)))).rejects.toThrow(/values are no numbers/u);
  });

  it.each([
    ['64 bits', new Float64Array([0, 1]), {}, /floating-point numbers of 64 bits/u],
    ['complex numbers', new Float32Array([0, 1]), { tags: [[339, 3, [6]]] }, /complex numbers/u],
    ['12 bits', new Uint16Array([0, 1]), { tags: [[258, 3, [12]]] }, /unsigned numbers of 12 bits/u],
  ] as const)('refuses %s by name', async (_, samples, rest, message) => {
    const run = grey(row(samples, rest));
    await expect(run).rejects.toMatchObject({ code: 'IMAGE_INVALID' });
    await expect(run).rejects.toThrow(message);
  });
});

describe('samples beyond the colours of a TIFF', () => {
  const samples = Uint8Array.of(10, 20, 30, 0, 200, 100, 50, 128);

  it('are alpha where the file says so', async () => {
    const file = row(samples, { channels: 4, tags: [[338, 3, [2]]] });
    expect([...(await decodeImage(store(file))).data]).toEqual([255, 255, 255, 227, 177, 152]);
    expect([...(await decodeImage(store(file), { channels: 4 })).data]).toEqual([...samples]);
  });

  it.each([
    ['says nothing', undefined],
    ['says that they are something else', [[338, 3, [0]]] as const],
  ])('are none where the file %s', async (_, tags) => {
    const source = store(row(samples, { channels: 4, ...(tags === undefined ? {} : { tags }) }));
    expect([...(await decodeImage(source)).data]).toEqual([10, 20, 30, 200, 100, 50]);
    expect((await openImage(source)).notes).toEqual([
      'pictures of 4 samples a pixel, of which the first 3 are used (the file declares none as alpha)',
    ]);
    expect([...(await decodeImage(source, { channels: 4 })).data]).toEqual([...samples]);
    expect((await openImage(source, { channels: 4 })).notes).toBeUndefined();
  });

  it('are alpha that the colours were multiplied by, where the file says so', async () => {
    const file = row(Uint8Array.of(100, 50, 25, 128, 9, 9, 9, 0), { channels: 4, tags: [[338, 3, [1]]] });
    const { data } = await decodeImage(store(file), { background: [0, 0, 0] });
    expect([...data]).toEqual([100, 50, 25, 0, 0, 0]);
  });

  it('of pictures in four inks are no alpha either, unless the file says so', async () => {
    const inks = [40, 80, 120, 30];
    const colors = async (extra: readonly number[], tags: TiffPicture['tags'] = []) => {
      const samples = Uint8Array.from([...inks, ...extra, ...inks, ...extra]);
      const bytes = row(samples, { channels: inks.length + extra.length, photometric: 5, tags });
      return [...(await decodeImage(store(bytes))).data];
    };
    const plain = await colors([]);
    expect(await colors([60], [[338, 3, [0]]])).toEqual(plain);
    expect(await colors([255], [[338, 3, [2]]])).toEqual(plain);
    expect(await colors([0], [[338, 3, [2]]])).toEqual(plain.map(() => 255));
  });

  it('of grey pictures follow the same rule', async () => {
    const two = Uint8Array.of(10, 0, 200, 255);
    expect(await grey(row(two, { channels: 2 }))).toEqual([10, 200]);
    const floats = Float32Array.of(0.5, 9, 1, 9);
    expect(await grey(row(floats, { channels: 2, tags: [[338, 3, [0]]] }))).toEqual([128, 255]);
    expect(await grey(row(two, { channels: 2, tags: [[338, 3, [2]]] }))).toEqual([255, 200]);
    const bands = Uint16Array.of(0, 4095, 1000, 3000, 4095, 0, 0, 0);
    const four = row(bands, { channels: 4, photometric: 1, tags: [[338, 3, [0, 0, 0]]] });
    const { data } = await decodeImage(store(four), { channels: 4, valueRange: [0, 4095] });
    expect([...data]).toEqual([...bands].map((value) => level(value, 0, 4095)));
    for (const samples of [Uint8Array.of(1, 2, 3, 4), Int8Array.of(1, 2, 3, 4), Float32Array.of(1, 2, 3, 4)]) {
      const file = store(row(samples, { channels: 4, photometric: 1, tags: [[338, 3, [0, 0, 0]]] }));
      for (const channels of [3, 4]) {
        const read = await decodeImage(file, { channels, valueRange: [0, 255] });
        expect([...read.data]).toEqual([1, 2, 3, 4].slice(0, channels));
      }
    }
  });
});

describe('several pages', () => {
  const page = { width: 1, height: 1, samples: Uint8Array.of(7) };
  const small = { ...page, tags: [[254, 4, [1]]] } as const;

  it('are noted, and the first is used; small copies of it are none', async () => {
    const several = await openImage(store(tiffFile(page, page)));
    expect(several.notes).toEqual(['files of several frames or pages, of which the first is used']);
    expect([...(await several.read()).data]).toEqual([7, 7, 7]);
    expect((await openImage(store(tiffFile(page, small)))).notes).toBeUndefined();
  });

  it("whose first is a small copy are a camera's raw file, and refused", async () => {
    await expect(decodeImage(store(tiffFile(small, page)))).rejects.toThrow(/raw files/u);
  });
});
