import { crc32 } from 'node:zlib';

/** Bytes of a pickle, from opcodes written one by one: strings are ASCII, numbers are bytes. */
export function bytesOf(...parts: ReadonlyArray<string | number | Uint8Array>): Uint8Array {
  return Buffer.concat(
    parts.map((part) =>
      typeof part === 'string' ? Buffer.from(part, 'latin1') : typeof part === 'number' ? Buffer.of(part) : part,
    ),
  );
}

/** BINUNICODE. */
export function text(value: string): Uint8Array {
  const utf8 = Buffer.from(value);
  return bytesOf('X', uint32(utf8.length), utf8);
}

/** GLOBAL. */
export function global(module: string, name: string): string {
  return `c${module}\n${name}\n`;
}

export function uint32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** BININT, for sizes up to 2^31. */
export function int(value: number): Uint8Array {
  return bytesOf('J', uint32(value));
}

/** A pickle of protocol 2 that ends as it must. */
export function pickle(...parts: ReadonlyArray<string | number | Uint8Array>): Uint8Array {
  return bytesOf(0x80, 2, ...parts, '.');
}

/** A float32 tensor as torch pickles it, on the storage `key`. */
export function tensor(key: string, length: number, offset: number, shape: number[], stride: number[]): Uint8Array {
  const tuple = (values: number[]): Uint8Array => bytesOf('(', ...values.map(int), 't');
  return bytesOf(
    global('torch._utils', '_rebuild_tensor_v2'),
    ...['(', '(', text('storage'), global('torch', 'FloatStorage'), text(key), text('cpu'), int(length), 't', 'Q'],
    ...[int(offset), tuple(shape), tuple(stride), 0x89, global('collections', 'OrderedDict'), ')R', 't', 'R'],
  );
}

/** A dictionary. */
export function dictionary(entries: Readonly<Record<string, Uint8Array>>): Uint8Array {
  return bytesOf('}(', ...Object.entries(entries).flatMap(([key, value]) => [text(key), value]), 'u');
}

export interface ZipRecord {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** 0: stored (default), 8: deflated. */
  readonly method?: number;
  /** What the headers claim; default the bytes' own. */
  readonly claimedSize?: number;
  readonly checksum?: number;
}

/** A zip archive of these records, as its headers claim them to be. */
export function zip(records: readonly ZipRecord[]): Uint8Array {
  const local: Uint8Array[] = [];
  const central: Uint8Array[] = [];
  let offset = 0;
  for (const { name, bytes, method = 0, claimedSize = bytes.length, checksum = crc32(bytes) } of records) {
    const shared = Buffer.alloc(26);
    shared.writeUInt16LE(method, 4);
    shared.writeUInt32LE(checksum, 10);
    shared.writeUInt32LE(bytes.length, 14);
    shared.writeUInt32LE(claimedSize, 18);
    shared.writeUInt16LE(Buffer.byteLength(name), 22);
    const header = Buffer.concat([Buffer.from('PK\x03\x04'), shared, Buffer.from(name)]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    central.push(Buffer.concat([Buffer.from('PK\x01\x02'), Buffer.alloc(2), shared, tail, Buffer.from(name)]));
    local.push(header, bytes);
    offset += header.length + bytes.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(records.length, 8);
  end.writeUInt16LE(records.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...local, directory, end]);
}

/** A torch checkpoint: its pickle, its storages by key and other records. */
export function torchFile(
  data: Uint8Array,
  storages: Readonly<Record<string, Uint8Array>> = {},
  others: readonly ZipRecord[] = [],
): Uint8Array {
  return zip([
    { name: 'made/data.pkl', bytes: data },
    ...Object.entries(storages).map(([key, bytes]) => ({ name: `made/data/${key}`, bytes })),
    ...others,
  ]);
}

export function floats(...values: number[]): Uint8Array {
  return new Uint8Array(Float32Array.from(values).buffer);
}
