import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { crc32, deflateSync, gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tiffFile } from './tiff-file.js';

const main = fileURLToPath(new URL('../../../packages/cli/dist/main.js', import.meta.url));
/** The command alone, with the libraries that it loads, takes about half of it. */
const MOST_MEGABYTES = 400;
let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mae-bounds-'));
});

afterAll(() => rmSync(folder, { recursive: true }));

/** `mae-tasks data check` in a process of its own, with the most memory that it had. */
function check(path: string): { readonly text: string; readonly status: number | null; readonly megabytes: number } {
  const report = 'process.on("exit",()=>process.stderr.write("\\nMOST "+process.resourceUsage().maxRSS+"\\n"))';
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [
      '--max-old-space-size=256',
      '--import',
      `data:text/javascript,${encodeURIComponent(report)}`,
      main,
      'data',
      'check',
      path,
    ],
    { encoding: 'utf8', timeout: 60_000 },
  );
  const megabytes = Number(/MOST (\d+)/u.exec(stderr)?.[1]) / 1024;
  return { text: stdout + stderr, status, megabytes };
}

function idxHeader(shape: readonly number[]): Buffer {
  const header = Buffer.alloc(4 + 4 * shape.length);
  header[2] = 8;
  header[3] = shape.length;
  shape.forEach((size, axis) => header.writeUInt32BE(size, 4 + 4 * axis));
  return header;
}

/** A gigabyte of zeros behind a header, in a megabyte. */
function bomb(header: Buffer): Buffer {
  zeros ??= gzipSync(Buffer.alloc(2 ** 26));
  return Buffer.concat([gzipSync(header), ...new Array<Buffer>(16).fill(zeros)]);
}

let zeros: Buffer | undefined;

describe('IDX files that promise or hold too much', () => {
  it.each<readonly [string, string, () => Buffer, RegExp]>([
    [
      'a bomb behind a small header',
      '.gz',
      () => bomb(idxHeader([3, 2, 2])),
      /3 × 2 × 2 = 12 values, but more follow/u,
    ],
    [
      'one picture of a gigabyte',
      '.gz',
      () => bomb(idxHeader([1, 2 ** 15, 2 ** 15])),
      /32768 × 32768 pixels, more than/u,
    ],
    [
      'pictures of two gigabytes',
      '.gz',
      () => bomb(idxHeader([2 ** 21, 32, 32])),
      /more than the 1073741824 that are read/u,
    ],
    [
      'more than it can hold',
      '.gz',
      () => gzipSync(idxHeader([2 ** 20, 28, 28])),
      /more than its \d+ compressed bytes can hold/u,
    ],
    ['sizes of 2³², not compressed', '', () => idxHeader([2 ** 32 - 1, 2 ** 12, 2 ** 12]), /but 0 follow/u],
    ['255 dimensions', '', () => idxHeader(new Array<number>(255).fill(2 ** 31)), /not pictures × height × width/u],
  ])('%s: a sentence, and little memory', (name, suffix, make, message) => {
    const place = join(folder, `idx-${name.replaceAll(/\W/gu, '')}`);
    mkdirSync(place);
    writeFileSync(join(place, `train-images-idx3-ubyte${suffix}`), make());
    const { text, status, megabytes } = check(place);
    expect(text).toMatch(message);
    expect(text).not.toMatch(/^\s+at /mu);
    expect(status).toBe(1);
    expect(megabytes).toBeLessThan(MOST_MEGABYTES);
  });

  it('labels that are a bomb', () => {
    const place = join(folder, 'labels');
    mkdirSync(place);
    writeFileSync(join(place, 'train-images-idx3-ubyte'), Buffer.concat([idxHeader([1, 2, 2]), Buffer.alloc(4)]));
    writeFileSync(join(place, 'train-labels-idx1-ubyte.gz'), bomb(idxHeader([2 ** 30])));
    const { text, megabytes } = check(place);
    expect(text).toMatch(/1073741824 labels for the 1 pictures/u);
    expect(megabytes).toBeLessThan(MOST_MEGABYTES);
  });
});

/** A PNG whose header promises a size, with hardly any pixels behind it. */
function promisingPng(side: number, depth = 8, type = 0): Buffer {
  const chunk = (name: string, data: Buffer): Buffer => {
    const bytes = Buffer.concat([Buffer.alloc(4), Buffer.from(name), data, Buffer.alloc(4)]);
    bytes.writeUInt32BE(data.length, 0);
    bytes.writeUInt32BE(crc32(bytes.subarray(4, -4)), bytes.length - 4);
    return bytes;
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  header.set([depth, type], 8);
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    ...[chunk('IHDR', header), chunk('IDAT', deflateSync(Buffer.alloc(100))), chunk('IEND', Buffer.alloc(0))],
  ]);
}

describe('pictures whose headers promise too many pixels', () => {
  it('are refused in every format before anything is decoded', async () => {
    const place = join(folder, 'pictures');
    mkdirSync(place);
    const store = (name: string, bytes: Buffer): void => writeFileSync(join(place, name), bytes);
    const raw = { raw: { width: 8, height: 8, channels: 3 } } as const;
    const small = sharp(Buffer.alloc(192, 99), raw);
    store('a.png', promisingPng(60_000));
    store('b.png', promisingPng(60_000, 16));
    const gif = await small.clone().gif().toBuffer();
    gif.writeUInt16LE(65_000, 6);
    gif.writeUInt16LE(65_000, 8);
    const descriptor = gif.indexOf(Buffer.of(0x2c, 0, 0, 0, 0, 8, 0, 8, 0));
    gif.writeUInt16LE(65_000, descriptor + 5);
    gif.writeUInt16LE(65_000, descriptor + 7);
    store('c.gif', gif);
    const jpeg = await small.clone().jpeg().toBuffer();
    const frame = jpeg.indexOf(Buffer.of(0xff, 0xc0));
    jpeg.writeUInt16BE(65_000, frame + 5);
    jpeg.writeUInt16BE(65_000, frame + 7);
    store('d.jpg', jpeg);
    const sides = [
      [256, 4, [60_000]],
      [257, 4, [60_000]],
    ] as const;
    for (const [name, samples] of [
      ['e.tif', Uint8Array.of(1)],
      ['f.tif', Float32Array.of(1)],
      ['g.tif', Int16Array.of(1)],
    ] as const) {
      store(name, tiffFile({ width: 1, height: 1, samples, tags: sides }));
    }
    const bmp = Buffer.alloc(80);
    bmp.write('BM');
    bmp.writeUInt32LE(54, 10);
    bmp.writeUInt32LE(40, 14);
    bmp.writeInt32LE(60_000, 18);
    bmp.writeInt32LE(-60_000, 22);
    bmp.writeUInt16LE(24, 28);
    store('h.bmp', bmp);
    const webp = await small.clone().webp({ lossless: true }).toBuffer();
    const vp8x = Buffer.alloc(18);
    vp8x.write('VP8X', 'latin1');
    vp8x.writeUInt32LE(10, 4);
    vp8x.writeUIntLE(16_000 - 1, 12, 3);
    vp8x.writeUIntLE(16_000 - 1, 15, 3);
    const extended = Buffer.concat([webp.subarray(0, 12), vp8x, webp.subarray(12)]);
    extended.writeUInt32LE(extended.length - 8, 4);
    store('i.webp', extended);
    const { text, status, megabytes } = check(place);
    for (const name of ['a.png', 'b.png', 'c.gif', 'd.jpg', 'e.tif', 'f.tif', 'g.tif', 'h.bmp']) {
      expect(text).toMatch(new RegExp(`(?:pixels, more than twice.*${name})`, 'u'));
    }
    expect(text).toMatch(/i\.webp/u);
    expect(text).not.toMatch(/^\s+at /mu);
    expect(status).toBe(1);
    expect(megabytes).toBeLessThan(MOST_MEGABYTES);
  });

  it('index maps too, and those that their file cannot hold', async () => {
    const place = join(folder, 'maps');
    for (const part of ['images', 'annotations']) mkdirSync(join(place, part, 'training'), { recursive: true });
    const raw = { raw: { width: 8, height: 8, channels: 3 } } as const;
    for (const [name, side] of [
      ['a', 60_000],
      ['b', 13_000],
    ] as const) {
      writeFileSync(
        join(place, 'images/training', `${name}.png`),
        await sharp(Buffer.alloc(192, 9), raw).png().toBuffer(),
      );
      writeFileSync(join(place, 'annotations/training', `${name}.png`), promisingPng(side));
    }
    writeFileSync(join(place, 'objectInfo150.txt'), 'Idx\tRatio\tTrain\tVal\tStuff\tName\n1\t0.1\t1\t1\t1\twall\n');
    const { text, megabytes } = check(place);
    expect(text).toMatch(/index map has 60000 × 60000 pixels, more than/u);
    expect(text).toMatch(/bytes cannot hold its 13000 × 13000 pixels/u);
    expect(megabytes).toBeLessThan(MOST_MEGABYTES);
  });
});
