import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { idxDataset, idxReader, readIdxFile } from '#core/data/readers/idx.js';

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mae-idx-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

function idx(shape: readonly number[], values: Iterable<number>, type = 8): Buffer {
  const header = Buffer.alloc(4 + 4 * shape.length);
  header[2] = type;
  header[3] = shape.length;
  shape.forEach((size, axis) => header.writeUInt32BE(size, 4 + 4 * axis));
  return Buffer.concat([header, Uint8Array.from(values)]);
}

function store(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

const counting = (length: number): number[] => Array.from({ length }, (_, at) => at % 256);

describe('idxDataset', () => {
  it('reads pictures and labels of both splits, compressed or not', async () => {
    store('train-images-idx3-ubyte.gz', gzipSync(idx([3, 2, 4], counting(24))));
    store('train-labels-idx1-ubyte.gz', gzipSync(idx([3], [2, 0, 1])));
    store('t10k-images.idx3-ubyte', idx([1, 2, 4], counting(8)));
    store('t10k-labels.idx1-ubyte', idx([1], [1]));
    expect(await idxReader.recognizes(folder)).toBe(true);
    expect(await idxReader.splits!(folder)).toEqual(['train', 'val']);
    const train = await idxReader.open(folder);
    expect(train.size).toBe(3);
    expect(train.classNames).toEqual(['0', '1', '2']);
    expect(train.item(2)).toEqual({
      id: 'train-images-idx3-ubyte#2',
      image: { kind: 'pixels', data: Uint8Array.from(counting(24).slice(16)), width: 4, height: 2, channels: 1 },
      target: 1,
    });
    const val = idxDataset(folder, 'val');
    expect([val.size, val.classNames, val.item(0).target]).toEqual([1, ['0', '1', '2'], 1]);
  });

  it('reads colour pictures, and pictures without labels', () => {
    store('train-images-idx4-ubyte', idx([2, 2, 2, 3], counting(24)));
    const dataset = idxDataset(folder);
    expect(dataset.item(1).image).toMatchObject({ width: 2, height: 2, channels: 3 });
    expect(dataset.item(1).target).toBeUndefined();
    expect(dataset.warnings[0]).toMatch(/no file of labels/u);
  });

  it.each([
    ['a wrong number of labels', 'train-labels-idx1-ubyte', idx([2], [0, 1]), /2 labels for the 3 pictures/u],
    ['labels of two dimensions', 'train-labels-idx1-ubyte', idx([3, 1], [0, 1, 2]), /3 × 1, not one label/u],
    ['a second file of pictures', 'train-images-idx3-ubyte.gz', idx([3, 1, 1], [0, 1, 2]), /two files of the train/u],
  ])('names %s', (_, name, bytes, message) => {
    store('train-images-idx3-ubyte', idx([3, 1, 1], [0, 1, 2]));
    store(name, bytes);
    expect(() => idxDataset(folder)).toThrow(message);
    expect(() => idxDataset(folder)).toThrow(folder);
  });

  it('refuses a validation label that training does not have', () => {
    for (const [split, label] of [
      ['train', 1],
      ['t10k', 2],
    ] as const) {
      store(`${split}-images-idx3-ubyte`, idx([1, 1, 1], [0]));
      store(`${split}-labels-idx1-ubyte`, idx([1], [label]));
    }
    expect(() => idxDataset(folder, 'val')).toThrow(/label 2 is above the highest training label 1/u);
  });

  it('names a missing folder and a missing split', async () => {
    await expect(idxReader.open(join(folder, 'missing'))).rejects.toMatchObject({ code: 'DATA_NOT_FOUND' });
    await expect(idxReader.open(folder)).rejects.toThrow(/named like train-images/u);
    store('train-images-idx3-ubyte', idx([1, 1, 1], [0]));
    expect(() => idxDataset(folder, 'val')).toThrow(/split `val` .* it has train/u);
  });
});

describe('readIdxFile', () => {
  it.each([
    ['nothing', Buffer.alloc(0), /no IDX file/u],
    ['a text', Buffer.from('hello, these are no numbers'), /no IDX file/u],
    ['floats', idx([1], [0, 0, 0, 0], 0x0d), /type 0x0d, not unsigned bytes/u],
    ['no dimension', Buffer.of(0, 0, 8, 0), /0 dimensions/u],
    ['a cut header', Buffer.of(0, 0, 8, 3, 0, 0), /3 dimensions is cut short/u],
    ['too few values', idx([2, 3], counting(5)), /2 × 3 = 6 values, but 5 follow/u],
    ['too many values', idx([2, 3], counting(7)), /6 values, but 7 follow/u],
    ['sizes beyond all memory', idx([0xffffffff, 0xffffffff, 0xffffffff], [1]), /but 1 follow/u],
    ['damaged gzip', gzipSync(idx([2, 3], counting(6))).subarray(0, 20), /cannot be decompressed/u],
  ])('refuses %s', (_, bytes, message) => {
    const path = store('file', bytes);
    expect(() => readIdxFile(path)).toThrow(message);
    expect(() => readIdxFile(path)).toThrow(path);
  });
});
