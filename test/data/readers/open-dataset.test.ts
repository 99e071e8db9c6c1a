import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DataReader } from '#core/contracts/data-reader.js';
import { idxReader } from '#core/data/readers/idx.js';
import { folderReader } from '#core/data/readers/image-folder.js';
import { findReader, openDataset } from '#core/data/readers/open-dataset.js';

let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mae-open-'));
  for (const name of ['pictures', 'digits', 'nothing']) mkdirSync(join(folder, name));
  writeFileSync(join(folder, 'pictures/a.png'), '');
  writeFileSync(
    join(folder, 'digits/train-images-idx3-ubyte'),
    Buffer.of(0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 7),
  );
  writeFileSync(join(folder, 'digits/preview.png'), '');
});

afterAll(() => rmSync(folder, { recursive: true }));

const readers = [folderReader, idxReader];
const anything: DataReader = {
  name: 'anything',
  recognizes: () => Promise.resolve(true),
  open: () => Promise.reject(new Error('never opened')),
};

describe('openDataset', () => {
  it('asks each reader, and takes plain folders last', async () => {
    expect((await findReader(join(folder, 'pictures'), readers)).name).toBe('folder');
    expect((await findReader(join(folder, 'digits'), readers)).name).toBe('idx');
    expect((await openDataset(join(folder, 'digits'), readers)).item(0).image).toMatchObject({ kind: 'pixels' });
  });

  it('takes the format that is named, and passes the other options on', async () => {
    expect((await openDataset(join(folder, 'digits'), readers, { format: 'folder' })).size).toBe(1);
    await expect(openDataset(join(folder, 'digits'), readers, { split: 'val' })).rejects.toThrow(/split `val`/u);
  });

  it('takes a plugin’s reader before plain folders', async () => {
    expect((await findReader(join(folder, 'pictures'), [folderReader, anything])).name).toBe('anything');
  });

  it.each([
    ['a missing path', 'missing', undefined, 'DATA_NOT_FOUND', /no such file or folder/u],
    ['a path below a file', 'pictures/a.png/b', undefined, 'DATA_NOT_FOUND', /no such file or folder/u],
    ['an unknown format', 'pictures', 'lmdb', 'CONFIG_INVALID', /no data format `lmdb` — use one of folder, idx/u],
    ['what no reader knows', 'nothing', undefined, 'DATA_INVALID', /no reader knows what this is \(folder, idx\)/u],
  ])('names %s', async (_, name, format, code, message) => {
    const finding = findReader(join(folder, name), readers, format);
    await expect(finding).rejects.toMatchObject({ code });
    await expect(finding).rejects.toThrow(message);
  });

  it('asks which where two readers recognise a path', async () => {
    await expect(findReader(join(folder, 'digits'), [...readers, anything])).rejects.toThrow(/`idx` or `anything`/u);
  });

  it('takes the format that a task prefers where two readers recognise a path', async () => {
    const all = [...readers, anything];
    expect((await findReader(join(folder, 'digits'), all, undefined, ['coco', 'anything'])).name).toBe('anything');
    expect((await findReader(join(folder, 'digits'), all, undefined, ['idx', 'anything'])).name).toBe('idx');
    await expect(findReader(join(folder, 'digits'), all, undefined, ['coco'])).rejects.toThrow(/say which/u);
  });
});
