import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { labelMapPng } from '#core/data/targets/label-map-png.js';
import { ade20kReader, type SemanticFolderOptions, semanticDataset } from '#core/data/readers/ade20k.js';
import { loadSemanticTarget } from '#core/data/targets/semantic-target.js';

const root = mkdtempSync(join(tmpdir(), 'mae-maps-'));
afterAll(() => rmSync(root, { recursive: true }));

function put(path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
}

function putMap(path: string, values: readonly number[]): void {
  put(path, labelMapPng({ width: values.length, height: 1, labels: Uint8Array.from(values) }));
}

/** The classes of the first picture's pixels as a task loads them, and what is counted of them. */
async function read(folder: string, width: number, options: SemanticFolderOptions = {}) {
  const data = await semanticDataset(join(root, folder), options);
  const { target } = data.item(0);
  const load = () =>
    loadSemanticTarget(target, { width, height: 1, id: 'a' }, { background: 'class', ignoreIndex: 255 });
  return { data, load, counts: () => Object.fromEntries(data.labelling!.countsOf(0)) };
}

describe('index maps', () => {
  it('in SegNet’s folders are recognised, with their splits', async () => {
    for (const split of ['train', 'val', 'test']) {
      put(`segnet/${split}/a.png`, 'a picture');
      putMap(`segnet/${split}annot/a.png`, [0, 1, 1]);
    }
    const path = join(root, 'segnet');
    expect(await ade20kReader.recognizes(path)).toBe(true);
    expect(await ade20kReader.splits!(path)).toEqual(['train', 'val', 'test']);
    const { data, counts } = await read('segnet', 3, { split: 'test' });
    expect(data.item(0).image).toEqual({ kind: 'file', path: join(path, 'test/a.png') });
    expect(data.layout).toBe('index maps, test/ with testannot/');
    expect(counts()).toEqual({ 0: 1, 1: 2 });
  });

  it('give ignored pixels the value that the task ignores, whatever theirs is', async () => {
    put('ignored/img_dir/train/a.png', 'a picture');
    putMap('ignored/ann_dir/train/a.png', [0, 1, 11, 11]);
    put('ignored/classes.txt', 'road\ncar\n');
    const { load, counts } = await read('ignored', 4, { ignoreIndex: 11 });
    expect([...load().labels]).toEqual([0, 1, 255, 255]);
    expect(counts()).toEqual({ 0: 1, 1: 1 });
    const plain = await read('ignored', 4);
    expect(plain.load).toThrow(/holds 11, which is no class \(2 classes, .*`data\.ignoreIndex` or `data\.classMap`/u);
    expect(plain.counts).toThrow(/holds 11/u);
  });

  it('do not take a class for ignored pixels because its number is theirs', async () => {
    put('high/img_dir/train/a.png', 'a picture');
    putMap('high/ann_dir/train/a.png', [0, 255]);
    const { load } = await read('high', 2, { ignoreIndex: 0 });
    expect(load).toThrow(/holds 255, which is no class/u);
  });

  it('have the classes that a map gives their values', async () => {
    put('masks/images/a.png', 'a picture');
    putMap('masks/masks/a.png', [0, 255, 128, 7, 64]);
    const classMap = { '0': 'background', '64': 'border', '128': 'nucleus', '255': 'nucleus', '7': null };
    const { data, load, counts } = await read('masks', 5, { classMap });
    expect(data.classNames).toEqual(['background', 'border', 'nucleus']);
    expect([...load().labels]).toEqual([0, 2, 2, 255, 1]);
    expect(counts()).toEqual({ 0: 1, 1: 1, 2: 2 });
    const partial = await read('masks', 5, { classMap: { '0': 'background', '255': 'nucleus' } });
    expect(partial.load).toThrow(/holds 128, which `data\.classMap` does not name \(it has 0, 255\)/u);
  });

  it('have a map whose keys are values', async () => {
    const open = (classMap: unknown) => ade20kReader.open(join(root, 'masks'), { classMap });
    for (const wrong of [{ a: 'x' }, { '-1': 'x' }, { '70000': 'x' }, { '0.5': 'x' }, { '01': 'x' }]) {
      await expect(open(wrong)).rejects.toThrow(/keys are values of index maps/u);
    }
    await expect(open({ '0': '' })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});
