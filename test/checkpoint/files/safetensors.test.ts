import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeFileAtomically } from '#core/base/atomic-write.js';
import { readSafetensors, readSafetensorsHeader, safetensorsChunks } from '#core/checkpoint/files/safetensors.js';
import { type StoredTensor, toFloat32, toNumbers } from '#core/checkpoint/files/stored-tensor.js';
import { fixturePath } from '../../fixture-path.js';
import { useTemporaryFolders } from '../../temporary-folder.js';

const temporaryFolder = useTemporaryFolders();

/** A file with this header text and this many bytes of data. */
async function fileWith(header: string | Uint8Array, dataBytes = 0, length?: bigint): Promise<string> {
  const path = join(await temporaryFolder(), 'made.safetensors');
  const text = typeof header === 'string' ? new TextEncoder().encode(header) : header;
  const bytes = new Uint8Array(8 + text.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(text.length), true);
  bytes.set(text, 8);
  await writeFile(path, bytes);
  return path;
}

describe('reading safetensors', () => {
  it('reads the reference file: names in order, shapes, values, metadata', async () => {
    const { tensors, metadata } = await readSafetensors(fixturePath('mae/mae.safetensors'));
    expect([...tensors.keys()].slice(0, 3)).toEqual(['cls_token', 'pos_embed', 'mask_token']);
    expect(tensors.size).toBe(74);
    expect(metadata.embed_dim).toBe('48');
    expect(tensors.get('pos_embed')).toMatchObject({ dtype: 'F32', shape: [1, 17, 48] });
    // The class token's position is zero; the first patch's is sin(0) … cos(0).
    const positions = tensors.get('pos_embed')!.data;
    expect([positions[0], positions[48], positions[48 + 12]]).toEqual([0, 0, 1]);
  });

  it('reads a header alone, and only the tensors asked for', async () => {
    const header = await readSafetensorsHeader(fixturePath('mae/mae_forward.safetensors'));
    expect(header.entries.get('ids_restore')).toMatchObject({ dtype: 'I64', shape: [3, 16] });
    const { tensors } = await readSafetensors(
      fixturePath('mae/mae_forward.safetensors'),
      (name) => name === 'ids_restore',
    );
    expect([...tensors.keys()]).toEqual(['ids_restore']);
    const ids = toNumbers(tensors.get('ids_restore')!, 'ids_restore');
    expect(ids.slice(0, 16).sort((a, b) => a - b)).toEqual(Array.from({ length: 16 }, (_, index) => index));
  });

  it('gives back every type that it wrote, 0-dimensional and empty tensors and NaN included', async () => {
    const written = new Map<string, StoredTensor>([
      ['u8', { dtype: 'U8', shape: [3], data: Uint8Array.of(1, 2, 255) }],
      ['f64', { dtype: 'F64', shape: [2], data: Float64Array.of(Math.PI, NaN) }],
      ['scalar', { dtype: 'F32', shape: [], data: Float32Array.of(1.5) }],
      ['empty', { dtype: 'F32', shape: [0, 4], data: new Float32Array(0) }],
      ['f16', { dtype: 'F16', shape: [2, 1], data: Uint16Array.of(0x3c00, 0xc000) }],
      ['bf16', { dtype: 'BF16', shape: [1], data: Uint16Array.of(0x3f80) }],
      ['i64', { dtype: 'I64', shape: [2], data: BigInt64Array.of(-1n, 2n ** 62n) }],
      ['i32', { dtype: 'I32', shape: [1], data: Int32Array.of(-7) }],
      ['i16', { dtype: 'I16', shape: [1], data: Int16Array.of(-300) }],
      ['i8', { dtype: 'I8', shape: [1], data: Int8Array.of(-3) }],
      ['bool', { dtype: 'BOOL', shape: [2], data: Uint8Array.of(0, 1) }],
      ['__proto__', { dtype: 'F32', shape: [1], data: Float32Array.of(2) }],
      ['7', { dtype: 'F32', shape: [1], data: Float32Array.of(7) }],
      ['größe "x"\\', { dtype: 'F32', shape: [1], data: Float32Array.of(3) }],
    ]);
    const path = join(await temporaryFolder(), 'all.safetensors');
    await writeFileAtomically(path, safetensorsChunks(written, { note: 'ä"\n', empty: '' }));
    const { tensors, metadata } = await readSafetensors(path);
    expect(metadata).toEqual({ note: 'ä"\n', empty: '' });
    expect(new Set(tensors.keys())).toEqual(new Set(written.keys()));
    for (const [name, tensor] of written) expect(tensors.get(name)).toEqual(tensor);
    const { entries } = await readSafetensorsHeader(path);
    // Larger elements come first, so every tensor is aligned to its element's size.
    expect(entries.get('f64')!.begin).toBe(0);
    expect(entries.get('f16')!.begin % 2).toBe(0);
  });

  it('aligns its header to 8 bytes and refuses to write what no reader would accept', () => {
    const tensor: StoredTensor = { dtype: 'F32', shape: [2], data: Float32Array.of(1, 2) };
    const [header] = safetensorsChunks(new Map([['w', tensor]]));
    expect(header!.length % 8).toBe(0);
    expect(() => [...safetensorsChunks(new Map([['__metadata__', tensor]]))]).toThrow(/may not be named/);
    expect(() => [...safetensorsChunks(new Map([['w', { ...tensor, shape: [3] }]]))]).toThrow(/has 2 values/);
  });

  const f32 = (begin: number, end: number, shape = [1]): object => ({
    dtype: 'F32',
    shape,
    data_offsets: [begin, end],
  });
  const refusals: ReadonlyArray<
    readonly [fault: string, header: string | Uint8Array, dataBytes: number, message: RegExp]
  > = [
    ['a header that is not UTF-8', Uint8Array.of(0x7b, 0xff, 0x7d), 0, /not UTF-8/],
    ['a byte order mark', Uint8Array.of(0xef, 0xbb, 0xbf, 0x7b, 0x7d), 0, /not JSON/],
    ['a header that is not JSON', '{"a":NaN}', 0, /not JSON/],
    ['a header that is a list', '[]', 0, /not a JSON object/],
    ['a first offset above 0', JSON.stringify({ a: f32(4, 8) }), 8, /`a` leaves a hole.*not at 0/],
    ['a hole', JSON.stringify({ a: f32(0, 4), b: f32(8, 12) }), 12, /`b` leaves a hole/],
    ['an overlap', JSON.stringify({ a: f32(0, 4), b: f32(2, 6) }), 6, /`b` overlaps/],
    ['an end before the beginning', JSON.stringify({ a: f32(8, 4) }), 8, /`a` ends \(=4\) before it begins \(=8\)/],
    ['a size that is not the shape', JSON.stringify({ a: f32(0, 8) }), 8, /`a` has 8 bytes, but F32 \[1\] needs 4/],
    ['a shape that overflows', JSON.stringify({ a: f32(0, 4, [2 ** 40, 2 ** 40]) }), 4, /`a` has shape .*too large/],
    ['a shape that overflows to zero', '{"a":{"dtype":"F32","shape":[1e300,1e300],"data_offsets":[0,0]}}', 0, /`a`/],
    ['a negative offset', JSON.stringify({ a: f32(-4, 0) }), 4, /`a` has no valid `data_offsets`/],
    ['a fractional shape', JSON.stringify({ a: f32(0, 4, [1.5]) }), 4, /`a` has no valid `shape`/],
    ['trailing bytes', JSON.stringify({ a: f32(0, 4) }), 9, /5 bytes follow the last tensor/],
    ['missing bytes', JSON.stringify({ a: f32(0, 4) }), 3, /`a` ends at byte 4, but the file has 3/],
    ['an unknown type', '{"a":{"dtype":"F8_E5M2","shape":[1],"data_offsets":[0,1]}}', 1, /`a` has dtype F8_E5M2/],
    [
      'a type named as a property of Object',
      '{"a":{"dtype":"toString","shape":[1],"data_offsets":[0,1]}}',
      1,
      /dtype toString/,
    ],
    ['metadata that is not strings', '{"__metadata__":{"a":1}}', 0, /`__metadata__` must be/],
    [
      'duplicate names',
      `{"a":${JSON.stringify(f32(0, 4))},"\\u0061":${JSON.stringify(f32(4, 8))}}`,
      8,
      /`a` occurs twice in the safetensors header/,
    ],
    [
      'a duplicate key inside an entry',
      '{"a":{"dtype":"F32","dtype":"I32","shape":[0],"data_offsets":[0,0]}}',
      0,
      /`dtype` occurs twice/,
    ],
  ];
  it.each(refusals)('refuses %s', async (_fault, header, dataBytes, message) => {
    const path = await fileWith(header, dataBytes);
    const refusal = expect(readSafetensors(path)).rejects;
    await refusal.toMatchObject({ code: 'CHECKPOINT_INVALID', where: path });
    await refusal.toThrow(message);
  });

  it('does not take equal strings for duplicate keys', async () => {
    const header =
      '{"__metadata__":{"a":"a","b":"{\\"a\\":1,\\"a\\":2}"},"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}';
    expect((await readSafetensors(await fileWith(header))).metadata.a).toBe('a');
  });

  it('refuses a file without a header, and headers that are too long, before it allocates', async () => {
    const short = join(await temporaryFolder(), 'short');
    await writeFile(short, 'abc');
    await expect(readSafetensors(short)).rejects.toThrow(/3 bytes are too few/);
    await expect(readSafetensors(await fileWith('{}', 0, 100_000_001n))).rejects.toThrow(
      /header would have 100000001 bytes/,
    );
    await expect(readSafetensors(await fileWith('{}', 0, 2n ** 64n - 1n))).rejects.toThrow(/not a safetensors file/);
    await expect(readSafetensors(await fileWith('{}', 0, 50n))).rejects.toThrow(/past the file's 10/);
    await expect(readSafetensors('/nowhere/mae.safetensors')).rejects.toMatchObject({ code: 'CHECKPOINT_INVALID' });
  });

  it('refuses a reference file cut at any of many places', async () => {
    const { tensors } = await readSafetensors(fixturePath('mae/mae.safetensors'));
    const path = join(await temporaryFolder(), 'cut.safetensors');
    for (const size of [523_335, 400_000, 7_368, 7_367, 4_000, 8, 7, 0]) {
      await writeFileAtomically(path, safetensorsChunks(tensors));
      await truncate(path, size);
      await expect(readSafetensors(path)).rejects.toMatchObject({ code: 'CHECKPOINT_INVALID', where: path });
    }
  });

  it('reads a tensor beyond 4 GB of a sparse file', async () => {
    const far = 2 ** 32;
    const header = JSON.stringify({
      hole: { dtype: 'U8', shape: [far], data_offsets: [0, far] },
      w: f32(far, far + 4),
    });
    const path = await fileWith(header);
    await truncate(path, 8 + header.length + far);
    await writeFile(path, new Uint8Array(Float32Array.of(42).buffer), { flag: 'a' });
    const { tensors } = await readSafetensors(path, (name) => name === 'w');
    expect(tensors.get('w')!.data).toEqual(Float32Array.of(42));
  });
});

describe('stored values as float32', () => {
  it('decodes half precision: normal, subnormal, infinite, signed zero', () => {
    const bits = Uint16Array.of(0x3c00, 0xc000, 0x3555, 0x0001, 0x03ff, 0x7bff, 0xfc00, 0x8000, 0x7e00);
    const values = [...toFloat32({ dtype: 'F16', shape: [9], data: bits }, 'h')];
    const expected = [1, -2, 0.333251953125, 2 ** -24, 1023 * 2 ** -24, 65504, -Infinity, -0, NaN];
    expect(values).toEqual(expected);
  });

  it('decodes bfloat16 and double precision', () => {
    const bf16 = toFloat32({ dtype: 'BF16', shape: [3], data: Uint16Array.of(0x3f80, 0xc049, 0x7f80) }, 'b');
    expect([...bf16]).toEqual([1, -3.140625, Infinity]);
    expect([...toFloat32({ dtype: 'F64', shape: [1], data: Float64Array.of(0.1) }, 'd')]).toEqual([Math.fround(0.1)]);
  });

  it('refuses integers as weights, and integers beyond 53 bits as numbers', () => {
    const quantised: StoredTensor = { dtype: 'I8', shape: [1], data: Int8Array.of(1) };
    expect(() => toFloat32(quantised, 'w')).toThrow(/`w` holds I8.*quantised/);
    expect(() => toNumbers({ dtype: 'I64', shape: [1], data: BigInt64Array.of(2n ** 60n) }, 'n')).toThrow(
      /beyond 53 bits/,
    );
  });
});
