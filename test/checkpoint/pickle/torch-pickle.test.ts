import { readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readSafetensors } from '#core/checkpoint/files/safetensors.js';
import type { StoredTensors } from '#core/checkpoint/files/stored-tensor.js';
import { readPickle, readTorch } from '#core/checkpoint/pickle/torch-pickle.js';
import { fixturePath } from '../../fixture-path.js';
import { bytesOf, dictionary, floats, global, pickle, tensor, text, torchFile, zip } from './pickle-assembler.js';
import { useTemporaryFolders } from '../../temporary-folder.js';

const temporaryFolder = useTemporaryFolders();

async function fileOf(bytes: Uint8Array): Promise<string> {
  const path = join(await temporaryFolder(), 'made.pth');
  await writeFile(path, bytes);
  return path;
}

async function expectSame(tensors: StoredTensors, reference: string, without: readonly string[] = []): Promise<void> {
  const expected = new Map((await readSafetensors(reference)).tensors);
  for (const name of without) expected.delete(name);
  expect(new Set(tensors.keys())).toEqual(new Set(expected.keys()));
  for (const [name, tensor] of expected) expect({ name, ...tensors.get(name) }).toEqual({ name, ...tensor });
}

describe('torch checkpoints', () => {
  it('hold exactly what the safetensors file of the same model holds', async () => {
    const { tensors, ignored } = await readTorch(fixturePath('mae/mae.pth'));
    expect(ignored).toEqual(['epoch', 'args', 'optimizer']);
    await expectSame(tensors, fixturePath('mae/mae.safetensors'));
  });

  it('are read with views, ties, expansions, every type and the odd things beside the weights', async () => {
    const { tensors, ignored } = await readTorch(fixturePath('pickle/zip.pth'));
    expect(ignored).toEqual(['epoch', 'args', 'device', 'shape', 'dtype', 'best', 'random']);
    await expectSame(tensors, fixturePath('pickle/tensors.safetensors'));
  });

  it('are read in the format before torch 1.6 too', async () => {
    const { tensors } = await readTorch(fixturePath('pickle/legacy.pth'));
    await expectSame(tensors, fixturePath('pickle/tensors.safetensors'), ['bfloat16']);
  });

  it('are refused wherever they are cut off', async () => {
    for (const name of ['zip.pth', 'legacy.pth']) {
      const whole = await readFile(fixturePath(`pickle/${name}`));
      const path = await fileOf(whole);
      for (let size = whole.length - 1; size > 0; size -= 199) {
        await truncate(path, size);
        await expect(readTorch(path)).rejects.toMatchObject({ code: 'CHECKPOINT_INVALID', where: path });
      }
    }
  });

  it('are never misread when bytes are damaged', async () => {
    const whole = await readFile(fixturePath('pickle/zip.pth'));
    const intact = (await readTorch(fixturePath('pickle/zip.pth'))).tensors;
    for (let position = 0; position < whole.length; position += 61) {
      const damaged = Uint8Array.from(whole);
      damaged[position]! ^= 0x15;
      const result = await readTorch(await fileOf(damaged)).catch((error: unknown) => error);
      // Bytes that nothing reads may change; anything else is noticed.
      if (result instanceof Error) expect(result).toMatchObject({ code: 'CHECKPOINT_INVALID' });
      else expect(result).toMatchObject({ tensors: intact });
    }
  });

  it('keep a storage of several views in step', async () => {
    const data = pickle(
      dictionary({
        whole: tensor('0', 6, 0, [2, 3], [3, 1]),
        turned: tensor('0', 6, 0, [3, 2], [1, 3]),
        last: tensor('0', 6, 5, [], []),
      }),
    );
    const { tensors } = await readTorch(await fileOf(torchFile(data, { 0: floats(0, 1, 2, 3, 4, 5) })));
    expect([...tensors.get('turned')!.data]).toEqual([0, 3, 1, 4, 2, 5]);
    expect([...tensors.get('last')!.data]).toEqual([5]);
  });
});

describe('plain pickles with NumPy arrays', () => {
  it.each([2, 3, 4, 5])('of protocol %d are read as detectron2 writes them', async (protocol) => {
    const { tensors, ignored } = await readPickle(fixturePath(`pickle/numpy-${protocol}.pkl`));
    expect(ignored).toEqual(['__author__', 'matching_heuristics']);
    const { tensors: reference } = await readSafetensors(fixturePath('pickle/tensors.safetensors'));
    expect([...tensors.keys()]).toEqual(['plain', 'transposed', 'double', 'long', 'flag', 'scalar', 'empty']);
    for (const name of ['plain', 'double', 'long', 'flag', 'scalar', 'empty']) {
      expect({ name, ...tensors.get(name) }).toEqual({ name, ...reference.get(name) });
    }
    // There it is the same array in Fortran order, not a transposed one.
    expect(tensors.get('transposed')).toEqual(reference.get('plain'));
  });
});

describe('older plain pickles', () => {
  it('of NumPy 1 name its modules otherwise', async () => {
    const two = (await readFile(fixturePath('pickle/numpy-2.pkl'))).toString('latin1');
    const one = Buffer.from(two.replaceAll('numpy._core.', 'numpy.core.'), 'latin1');
    const { tensors } = await readPickle(await fileOf(one));
    expect(tensors).toEqual((await readPickle(fixturePath('pickle/numpy-2.pkl'))).tensors);
  });

  it('of Python 2 hold keys and contents as byte strings', async () => {
    const bytes = (value: string): Uint8Array => bytesOf('U', value.length, value);
    const type = bytesOf(global('numpy', 'dtype'), '(', bytes('f4'), 'K', 0, 'K', 1, 'tR(K', 3, bytes('<'), 'NNNtb');
    const empty = bytesOf(
      global('numpy.core.multiarray', '_reconstruct'),
      '(',
      global('numpy', 'ndarray'),
      'K',
      0,
      0x85,
    );
    const content = bytes('\x00\x00\x80\x3f\x00\x00\x00\xc0');
    const array = bytesOf(empty, bytes('b'), 'tR(K', 1, 'K', 2, 0x85, type, 0x89, content, 'tb');
    const { tensors } = await readPickle(await fileOf(pickle('}', bytes('w'), array, 's')));
    expect(tensors.get('w')).toEqual({ dtype: 'F32', shape: [2], data: Float32Array.of(1, -2) });
    const bigEndian = Buffer.from(pickle('}', bytes('w'), array, 's'));
    bigEndian[bigEndian.indexOf('<')] = 0x3e;
    await expect(readPickle(await fileOf(bigEndian))).rejects.toThrow(/`w` is big-endian/);
  });
});

describe('torch archives', () => {
  const weights = pickle(dictionary({ w: tensor('0', 2, 0, [2], [1]) }));
  const storage = { 0: floats(1, 2) };

  it.each([
    [
      'a path that leaves the folder',
      torchFile(weights, storage, [{ name: '../evil', bytes: floats(1) }]),
      /relative path/,
    ],
    ['an absolute path', torchFile(weights, storage, [{ name: '/etc/passwd', bytes: floats(1) }]), /absolute path/],
    [
      'a path with backslashes',
      torchFile(weights, storage, [{ name: 'a\\b', bytes: floats(1) }]),
      /invalid characters/,
    ],
    [
      'two records of one name',
      torchFile(weights, storage, [{ name: 'made/data/0', bytes: floats(3, 4) }]),
      /two records/,
    ],
    ['no pickle', zip([{ name: 'made/data/0', bytes: floats(1) }]), /0 records named data.pkl/],
    [
      'two pickles',
      torchFile(weights, storage, [{ name: 'other/data.pkl', bytes: weights }]),
      /2 records named data.pkl/,
    ],
    ['a missing storage', torchFile(weights), /record `data\/0` is missing/],
    ['a storage that is too short', torchFile(weights, { 0: floats(1) }), /has 4 bytes instead of 8/],
    [
      'a big-endian file',
      torchFile(weights, storage, [{ name: 'made/byteorder', bytes: Buffer.from('big') }]),
      /byte order is big/,
    ],
    [
      'a TorchScript program',
      torchFile(weights, storage, [{ name: 'made/constants.pkl', bytes: pickle(')') }]),
      /TorchScript/,
    ],
    [
      'a zip bomb',
      zip([
        { name: 'made/data.pkl', bytes: weights },
        { name: 'made/data/0', bytes: floats(1), method: 8, claimedSize: 0xfffffff0 },
      ]),
      /`data\/0` is compressed/,
    ],
    [
      'a size that lies',
      zip([
        { name: 'made/data.pkl', bytes: weights },
        { name: 'made/data/0', bytes: floats(1, 2), claimedSize: 0x7ffffff0 },
      ]),
      /size mismatch/,
    ],
    [
      'a wrong checksum',
      zip([
        { name: 'made/data.pkl', bytes: weights },
        { name: 'made/data/0', bytes: floats(1, 2), checksum: 1 },
      ]),
      /checksum does not match/,
    ],
    ['an empty zip', zip([]), /0 records named data.pkl/],
    ['text', Buffer.from('this is no checkpoint, but is long enough to be one'), /damaged or cut off/],
  ])('are refused with %s', async (_fault, bytes, message) => {
    const path = await fileOf(bytes);
    const refusal = expect(readTorch(path)).rejects;
    await refusal.toMatchObject({ code: 'CHECKPOINT_INVALID', where: path });
    await refusal.toThrow(message);
  });

  it.each([
    ['a view past its storage', tensor('0', 2, 1, [2], [1]), /`w` reaches element 2 of a storage that has 2/],
    ['strides past its storage', tensor('0', 2, 0, [2, 2], [9, 1]), /`w` reaches element 10/],
    ['an expansion to all memory', tensor('0', 2, 0, [2 ** 31 - 1, 1000], [0, 0]), /`w` unfolds to shape/],
    [
      'a size beyond all numbers',
      tensor('0', 2, 0, new Array<number>(40).fill(2 ** 31 - 1), new Array<number>(40).fill(0)),
      /`w` unfolds/,
    ],
    ['a negative offset', tensor('0', 2, 2 ** 32 - 1, [1], [1]), /described in an unknown way/],
    ['a shape without strides', tensor('0', 2, 0, [2], []), /described in an unknown way/],
    [
      'a storage named like a path',
      tensor('../../../etc/passwd', 2, 0, [2], [1]),
      /record `data\/.*passwd` is missing/,
    ],
  ])('are refused with %s', async (_fault, weight, message) => {
    const path = await fileOf(torchFile(pickle(dictionary({ w: weight })), storage));
    await expect(readTorch(path)).rejects.toThrow(message);
    await expect(readTorch(path)).rejects.toMatchObject({ code: 'CHECKPOINT_INVALID' });
  });

  it('refuses many small expansions that fill memory together', async () => {
    const entries = Array.from({ length: 40 }, (_, i) => [`w${i}`, tensor('0', 2, 0, [1 << 20], [0])] as const);
    const path = await fileOf(torchFile(pickle(dictionary(Object.fromEntries(entries))), storage));
    await expect(readTorch(path)).rejects.toThrow(/`w1\d` unfolds/);
  });

  it('names what a file without weights holds instead', async () => {
    const path = await fileOf(torchFile(pickle(dictionary({ epoch: pickle('K', 3).subarray(2, 4), note: text('x') }))));
    await expect(readTorch(path)).rejects.toThrow(/no weights.*it has epoch \(a number\), note \(a string\)/);
    await expect(readTorch(await fileOf(torchFile(pickle(']'))))).rejects.toThrow(/holds a list, not a dictionary/);
  });
});
