/** What a TIFF file holds: uncompressed samples, interleaved, in the native type of their array. TIFF 6.0. */
export interface TiffPicture {
  readonly width: number;
  readonly height: number;
  readonly samples:
    Uint8Array | Int8Array | Uint16Array | Int16Array | Uint32Array | Int32Array | Float32Array | Float64Array;
  /** Samples of a pixel. Default 1. */
  readonly channels?: number;
  /** Default 2 (RGB) of three or four samples, 1 (black is zero) of others. */
  readonly photometric?: number;
  /** Further entries of the directory: tag, type (3: 16 bits, 4: 32 bits, 8: signed 16 bits, 11: float), values. */
  readonly tags?: ReadonlyArray<readonly [tag: number, type: number, values: readonly number[]]>;
  /** Whether bytes are stored with the highest first. Default false. */
  readonly bigEndian?: boolean;
}

const SIZES: Readonly<Record<number, number>> = { 3: 2, 4: 4, 8: 2, 11: 4 };

/** A TIFF file of one page for each picture. */
export function tiffFile(...pages: readonly TiffPicture[]): Buffer {
  const little = pages[0]?.bigEndian !== true;
  const file: Buffer[] = [Buffer.from(little ? 'II*\0\0\0\0\0' : 'MM\0*\0\0\0\0', 'latin1')];
  let length = 8;
  const append = (bytes: Buffer): number => {
    const at = length;
    const padded = bytes.length % 2 === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(1)]);
    file.push(padded);
    length += padded.length;
    return at;
  };
  let link = { buffer: file[0]!, at: 4 };
  for (const page of pages) {
    const { width, height, samples, channels = 1, tags = [] } = page;
    const { BYTES_PER_ELEMENT: bytes } = samples;
    const pixels = Buffer.from(samples.slice().buffer);
    if (!little && bytes > 1) swap(pixels, bytes);
    const strip = append(pixels);
    const isFloat = samples instanceof Float32Array || samples instanceof Float64Array;
    const isSigned = samples instanceof Int8Array || samples instanceof Int16Array || samples instanceof Int32Array;
    const entries: Array<readonly [number, number, readonly number[]]> = [
      [256, 4, [width]],
      [257, 4, [height]],
      [258, 3, new Array<number>(channels).fill(8 * bytes)],
      [259, 3, [1]],
      [262, 3, [page.photometric ?? (channels === 3 || channels === 4 ? 2 : 1)]],
      [273, 4, [strip]],
      [277, 3, [channels]],
      [278, 4, [height]],
      [279, 4, [pixels.length]],
      [339, 3, new Array<number>(channels).fill(isFloat ? 3 : isSigned ? 2 : 1)],
      ...tags,
    ];
    const directory = Buffer.alloc(2 + 12 * entries.length + 4);
    write(directory, 3, 0, entries.length, little);
    for (const [index, [tag, type, values]] of entries.toSorted(([a], [b]) => a - b).entries()) {
      const at = 2 + 12 * index;
      const data = Buffer.alloc(Math.max(4, SIZES[type]! * values.length));
      values.forEach((value, place) => {
        write(data, type, SIZES[type]! * place, value, little);
      });
      write(directory, 3, at, tag, little);
      write(directory, 3, at + 2, type, little);
      write(directory, 4, at + 4, values.length, little);
      if (data.length === 4) data.copy(directory, at + 8);
      else write(directory, 4, at + 8, append(data), little);
    }
    write(link.buffer, 4, link.at, append(directory), little);
    link = { buffer: directory, at: directory.length - 4 };
  }
  return Buffer.concat(file);
}

function write(buffer: Buffer, type: number, at: number, value: number, little: boolean): void {
  const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  if (type === 3) view.setUint16(at, value, little);
  else if (type === 4) view.setUint32(at, value, little);
  else if (type === 8) view.setInt16(at, value, little);
  else view.setFloat32(at, value, little);
}

function swap(bytes: Buffer, size: number): void {
  for (let at = 0; at < bytes.length; at += size) bytes.subarray(at, at + size).reverse();
}
