import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRandom } from '#core/base/random.js';
import { createFeeder, type Feeder, type Morsel } from './feed.js';
import { mutantOf } from './mutate.js';
import { coco, type Victim, victims } from './victims.js';

/** Mutants of each format: some hundreds in all in the ordinary suite, tens of thousands in the full one. */
const MUTANTS = process.env.MAE_TASKS_FULL === '1' ? 1500 : 20;
const SEED = 20_240_917;
const LIMITS = { seconds: 10, megabytes: 1000 };
const MINUTES = 60_000;

const folder = mkdtempSync(join(tmpdir(), 'mae-hostile-victims-'));
let all: Victim[];
let feeder: Feeder;

beforeAll(async () => {
  all = await victims(folder);
  const picture = await sharp({ create: { width: 12, height: 9, channels: 3, background: 'red' } })
    .jpeg()
    .toBuffer();
  const truth = JSON.stringify(coco());
  feeder = createFeeder(LIMITS, (place) => {
    for (const each of ['.', 'JPEGImages', 'Annotations', 'images/train', 'labels/train']) {
      mkdirSync(join(place, each), { recursive: true });
    }
    for (const each of ['a.jpg', 'JPEGImages/a.jpg', 'images/train/a.jpg']) writeFileSync(join(place, each), picture);
    writeFileSync(join(place, 'truth.json'), truth);
    writeFileSync(join(place, 'data.yaml'), 'names: [cat, dog]\n');
    writeFileSync(join(place, 'labels/train/a.txt'), '0 0.5 0.5 0.25 0.25\n');
  });
});
afterAll(() => {
  feeder.close();
  rmSync(folder, { recursive: true });
});

/** Feeds files one by one; what is wrong with how they were dealt with. */
async function faultsOf(morsels: Iterable<Morsel>): Promise<string[]> {
  const faults: string[] = [];
  for (const morsel of morsels) {
    const fault = await feeder.feed(morsel);
    if (fault !== undefined) faults.push(fault);
    if (faults.length === 5) break;
  }
  return faults;
}

const FORMATS = [
  ...['JPEG', 'progressive JPEG', 'PNG', 'PNG of 16 bits', 'WebP', 'GIF', 'TIFF', 'TIFF of floats', 'BMP'],
  ...['index map', 'IDX', 'compressed IDX', 'safetensors', 'PyTorch archive', 'PyTorch pickle', 'pickle of NumPy'],
  ...['COCO', 'COCO results', 'VOC', 'YOLO labels', 'YOLO classes', 'list of classes', 'configuration'],
  ...['metrics of a run', 'pictures of a run', 'lock of a run'],
];

describe('files with something wrong in them', () => {
  it('are of every format', () => {
    expect(all.map(({ format }) => format)).toEqual(FORMATS);
  });

  it.each(FORMATS)(
    '%s: read or refused in words, in bounded time and memory',
    async (format) => {
      const victim = all.find((each) => each.format === format)!;
      const morsels = function* (): Generator<Morsel> {
        for (let i = 0; i < MUTANTS; i++) {
          const bytes = mutantOf(victim.bytes, victim.isText, createRandom(SEED).fork(format, i));
          yield { reader: victim.reader, name: victim.name, bytes, what: `${format}, mutant ${i} of seed ${SEED}` };
        }
      };
      expect(await faultsOf(morsels())).toEqual([]);
    },
    60 * MINUTES,
  );

  const SPLICED = ['safetensors', 'PyTorch archive', 'PyTorch pickle', 'pickle of NumPy'];

  it.each(SPLICED)(
    '%s: spliced with another file of weights',
    async (format) => {
      const [victim, others] = [
        all.find((each) => each.format === format)!,
        all.filter((each) => SPLICED.includes(each.format)),
      ];
      const morsels = function* (): Generator<Morsel> {
        for (let i = 0; i < MUTANTS; i++) {
          const random = createRandom(SEED).fork(`${format}, spliced`, i);
          const other = others[random.integer(others.length)]!;
          const head = victim.bytes.subarray(0, random.integer(victim.bytes.length));
          const bytes = Buffer.concat([head, other.bytes.subarray(random.integer(other.bytes.length))]);
          yield { ...victim, bytes, what: `${format} and ${other.format}, splice ${i} of seed ${SEED}` };
        }
      };
      expect(await faultsOf(morsels())).toEqual([]);
    },
    60 * MINUTES,
  );

  it.each(FORMATS)('%s: the faultless one is read', async (format) => {
    const { reader, name, bytes } = all.find((each) => each.format === format)!;
    expect(await feeder.feed({ reader, name, bytes, what: format })).toBeUndefined();
  });
});

/** Files that ask for far more than they hold. */
function bombs(): Array<readonly [string, Omit<Morsel, 'what'>]> {
  const idxHeader = (...sizes: readonly number[]): Buffer => {
    const bytes = Buffer.alloc(4 + 4 * sizes.length);
    bytes.set([0, 0, 8, sizes.length]);
    sizes.forEach((size, axis) => bytes.writeUInt32BE(size, 4 + 4 * axis));
    return bytes;
  };
  const safetensors = (header: string, data = Buffer.alloc(0)): Buffer => {
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(Buffer.byteLength(header)));
    return Buffer.concat([length, Buffer.from(header), data]);
  };
  const empty = (index: number): string => `"t${index}":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}`;
  const many = (count: number, each: (index: number) => string): string =>
    Array.from({ length: count }, (_, i) => each(i)).join(',');
  const png = readFileSync(join(folder, 'promise.png'));
  const annotations = 'annotations.json';
  return [
    ['IDX of more than it holds', { reader: 'idx', name: 'train-images-idx3-ubyte', bytes: idxHeader(4e9, 4e9, 4e9) }],
    [
      'IDX that unfolds to gigabytes',
      {
        reader: 'idx',
        name: 'train-images-idx3-ubyte.gz',
        bytes: gzipSync(Buffer.concat([idxHeader(1, 30_000, 30_000), Buffer.alloc(9e8)])),
      },
    ],
    ['PNG of billions of pixels', { reader: 'picture', name: 'a.png', bytes: png }],
    ['index map of billions of pixels', { reader: 'map', name: 'a.png', bytes: png }],
    ['JSON nested deeply', { reader: 'coco', name: annotations, bytes: Buffer.from(`{"images":${'['.repeat(1e6)}`) }],
    ['objects nested deeply', { reader: 'coco', name: annotations, bytes: Buffer.from('{"a":'.repeat(1e6)) }],
    [
      '300,000 categories',
      {
        reader: 'coco',
        name: annotations,
        bytes: Buffer.from(
          `{"images":[{"id":1,"file_name":"a.jpg","width":12,"height":9}],"annotations":[],"categories":[${many(300_000, (i) => `{"id":${i},"name":"c${i}"}`)}]}`,
        ),
      },
    ],
    [
      'a picture of a giant',
      {
        reader: 'coco',
        name: annotations,
        bytes: Buffer.from(
          '{"images":[{"id":1,"file_name":"a.jpg","width":60000000,"height":60000000}],"categories":[{"id":1,"name":"c"}],"annotations":[{"id":1,"image_id":1,"category_id":1,"segmentation":[[0,0,6e7,0,6e7,6e7]]}]}',
        ),
      },
    ],
    [
      '300,000 names',
      { reader: 'yolo', name: 'data.yaml', bytes: Buffer.from(`names: [${many(300_000, (i) => `n${i}`)}]`) },
    ],
    [
      'names of names',
      {
        reader: 'yolo',
        name: 'data.yaml',
        bytes: Buffer.from(
          `a: &a [x,x,x,x,x,x,x,x,x]\n${many(9, (i) => `\n${'bcdefghij'[i]}: &${'bcdefghij'[i]} [${`*${'abcdefghi'[i]},`.repeat(9)}]`).replaceAll(',\n', '\n')}\nnames: *j`,
        ),
      },
    ],
    [
      'a configuration of itself',
      { reader: 'config', name: 'config.yaml', bytes: Buffer.from('data: &a\n  path: *a\n') },
    ],
    [
      'an XML file of entities',
      {
        reader: 'voc',
        name: 'Annotations/a.xml',
        bytes: Buffer.from(
          `<!DOCTYPE a [<!ENTITY a "${'x'.repeat(1000)}">${many(9, (i) => `<!ENTITY b${i} "${'&a;'.repeat(100)}">`)}]><annotation>&b8;</annotation>`,
        ),
      },
    ],
    [
      'XML nested deeply',
      { reader: 'voc', name: 'Annotations/a.xml', bytes: Buffer.from(`<annotation>${'<object>'.repeat(200_000)}`) },
    ],
    [
      'XML of many objects',
      {
        reader: 'voc',
        name: 'Annotations/a.xml',
        bytes: Buffer.from(`<annotation>${'<object><name>a</name>'.repeat(60_000)}`),
      },
    ],
    [
      'a header of 100 MB',
      { reader: 'weights', name: 'a.safetensors', bytes: safetensors(`{"a":"${'x'.repeat(99e6)}"}`) },
    ],
    [
      'a million tensors of nothing',
      { reader: 'weights', name: 'a.safetensors', bytes: safetensors(`{${many(1_000_000, empty)}}`) },
    ],
    [
      'a tensor of more than everything',
      {
        reader: 'weights',
        name: 'a.safetensors',
        bytes: safetensors(
          '{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}}',
          Buffer.alloc(8),
        ),
      },
    ],
    [
      'a pickle that doubles',
      {
        reader: 'weights',
        name: 'a.pkl',
        bytes: Buffer.concat([Buffer.from([0x80, 2, 0x5d]), Buffer.from('2l'.repeat(50_000)), Buffer.from('.')]),
      },
    ],
    [
      'a pickle of a long number',
      { reader: 'weights', name: 'a.pkl', bytes: Buffer.from([0x80, 2, 0x8b, 0xff, 0xff, 0xff, 0x7f, 1, 0x2e]) },
    ],
    [
      'a pickle that runs a program',
      { reader: 'weights', name: 'a.pkl', bytes: Buffer.from("cos\nsystem\n(S'touch /tmp/never'\ntR.") },
    ],
  ];
}

describe('files that ask for far more than they hold', () => {
  beforeAll(() => {
    // A header alone: 60,000 × 60,000.
    const chunk = (type: string, data: Buffer): Buffer => {
      const bytes = Buffer.alloc(12 + data.length);
      bytes.writeUInt32BE(data.length, 0);
      bytes.write(type, 4);
      data.copy(bytes, 8);
      bytes.writeUInt32BE(crc32(bytes.subarray(4, 8 + data.length)), 8 + data.length);
      return bytes;
    };
    const header = Buffer.alloc(13);
    header.writeUInt32BE(60_000, 0);
    header.writeUInt32BE(60_000, 4);
    header.set([8, 0, 0, 0, 0], 8);
    const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]);
    const data = gzipSync(Buffer.alloc(1e6)).subarray(10);
    writeFileSync(
      join(folder, 'promise.png'),
      Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', data), chunk('IEND', Buffer.alloc(0))]),
    );
  });

  it(
    'are refused, or read, in bounded time and memory',
    async () => {
      const morsels = bombs().map(([what, morsel]) => ({ ...morsel, what }));
      expect(morsels.length).toBeGreaterThan(15);
      expect(await faultsOf(morsels)).toEqual([]);
    },
    10 * MINUTES,
  );
});

function crc32(bytes: Uint8Array): number {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}
