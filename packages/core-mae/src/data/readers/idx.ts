import { closeSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { constants, gunzipSync } from 'node:zlib';
import type { DataReader } from '../../contracts/data-reader.js';
import type { Dataset } from '../../contracts/dataset.js';
import { MaeError, messageOf } from '../../base/errors.js';
import { isFolder } from '../../base/listing.js';
import { DEFAULT_MAX_PIXELS } from '../images/image.js';

/** An array of bytes as an IDX file holds it. */
export interface IdxArray {
  /** Sizes, outermost first. */
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

const UNSIGNED_BYTE = 0x08;
const GZIP_MAGIC = 0x1f8b;
/** Far above the largest such file (EMNIST's 550 MB); bounds what a header can promise. */
const MAX_BYTES = 2 ** 30;
/** No compressed byte unfolds to more (RFC 1951: a code of one bit for 258 bytes, and one more for its distance). */
const MOST_UNFOLDED = 1032;
/** Compressed bytes that surely hold a header. */
const FIRST_BYTES = 16_384;

/**
 * The array in an IDX file of unsigned bytes, compressed by gzip or not (by content, not by name). Memory is taken only
 * once the header and the file's size agree.
 *
 * @param requireShape called with the sizes before the values are read, to refuse them
 * @throws MaeError `DATA_NOT_FOUND` or `DATA_INVALID`, naming the file
 */
export function readIdxFile(
  path: string,
  requireShape: (shape: readonly number[]) => void = () => undefined,
): IdxArray {
  const stored = openBytes(path);
  try {
    const start = stored.isCompressed ? startOf(stored, path) : stored.read(0, Math.min(stored.size, FIRST_BYTES));
    const { shape, headerBytes, expected } = readHeader(start, path);
    requireShape(shape);
    const sizes = `its header says ${shape.join(' × ')} = ${expected} values`;
    const found = stored.isCompressed ? undefined : stored.size - headerBytes;
    if (found !== undefined && found !== expected) throw invalid(path, `${sizes}, but ${found} follow`);
    if (expected > MAX_BYTES) throw invalid(path, `${sizes}, more than the ${MAX_BYTES} that are read`);
    if (stored.isCompressed && expected > stored.size * MOST_UNFOLDED) {
      throw invalid(path, `${sizes}, more than its ${stored.size} compressed bytes can hold`);
    }
    const bytes = stored.isCompressed
      ? unfold(stored, headerBytes + expected, sizes, path)
      : stored.read(headerBytes, expected);
    const data = stored.isCompressed ? bytes.subarray(headerBytes) : bytes;
    // Not a Buffer, whose `slice` would be a view.
    return { shape, data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
  } finally {
    stored.close();
  }
}

interface IdxHeader {
  readonly shape: readonly number[];
  readonly headerBytes: number;
  /** Values that follow. */
  readonly expected: number;
}

/** @param start the file's first bytes, or all of them */
function readHeader(start: Buffer, path: string): IdxHeader {
  if (start.length < 4 || start.readUInt16BE(0) !== 0) {
    throw invalid(
      path,
      'this is no IDX file: it does not begin with two zero bytes, a type and a number of dimensions',
    );
  }
  const type = start[2]!;
  if (type !== UNSIGNED_BYTE) {
    throw invalid(path, `its values are of type 0x${type.toString(16).padStart(2, '0')}, not unsigned bytes (0x08)`);
  }
  const numDimensions = start[3]!;
  const headerBytes = 4 + 4 * numDimensions;
  if (numDimensions === 0 || start.length < headerBytes) {
    throw invalid(path, `its header of ${numDimensions} dimensions is cut short or empty`);
  }
  const shape = Array.from({ length: numDimensions }, (_, axis) => start.readUInt32BE(4 + 4 * axis));
  return { shape, headerBytes, expected: shape.reduce((product, size) => product * size, 1) };
}

interface StoredBytes {
  readonly size: number;
  readonly isCompressed: boolean;
  read(at: number, length: number): Buffer;
  close(): void;
}

/** A file that is read piece by piece. @throws MaeError `DATA_NOT_FOUND` */
function openBytes(path: string): StoredBytes {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    const opened = file;
    const { size } = fstatSync(opened);
    const read = (at: number, length: number): Buffer => {
      const bytes = Buffer.alloc(length);
      for (let done = 0; done < length;) {
        const count = readSync(opened, bytes, done, length - done, at + done);
        if (count === 0) throw invalid(path, 'it became shorter while it was read');
        done += count;
      }
      return bytes;
    };
    const isCompressed = size >= 2 && read(0, 2).readUInt16BE(0) === GZIP_MAGIC;
    return { size, isCompressed, read, close: () => closeSync(opened) };
  } catch (cause) {
    if (file !== undefined) closeSync(file);
    if (cause instanceof MaeError) throw cause;
    throw new MaeError('DATA_NOT_FOUND', { what: `the file cannot be read (${messageOf(cause)})`, where: path, cause });
  }
}

/** What the first bytes of a compressed file unfold to, however the file goes on. */
function startOf(stored: StoredBytes, path: string): Buffer {
  try {
    const first = stored.read(0, Math.min(stored.size, FIRST_BYTES));
    return gunzipSync(first, { finishFlush: constants.Z_SYNC_FLUSH });
  } catch (cause) {
    throw notUnfolded(path, cause);
  }
}

/** A whole compressed file, which must unfold to this many bytes: no more memory is taken. */
function unfold(stored: StoredBytes, length: number, sizes: string, path: string): Buffer {
  let bytes: Buffer;
  try {
    // One piece for all of it; else the pieces would be joined, in twice the memory.
    const chunkSize = Math.max(64, length + 1);
    bytes = gunzipSync(stored.read(0, stored.size), { chunkSize, maxOutputLength: chunkSize });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw invalid(path, `${sizes}, but more follow`, cause);
    }
    throw notUnfolded(path, cause);
  }
  if (bytes.length !== length) {
    const missing = length - bytes.length;
    throw invalid(path, `${sizes}, but ${missing > 0 ? `${missing} of them are missing` : `${-missing} more follow`}`);
  }
  return bytes;
}

function notUnfolded(path: string, cause: unknown): MaeError {
  return invalid(path, `it cannot be decompressed (${messageOf(cause)})`, cause);
}

function invalid(path: string, what: string, cause?: unknown): MaeError {
  return new MaeError('DATA_INVALID', { what, where: path, fix: 'fetch or make the file again', cause });
}

/** `train-images-idx3-ubyte.gz`, `emnist-letters-test-labels-idx1-ubyte`, `t10k-images.idx3-ubyte`. */
const IDX_NAME = /^(?<set>.*?)(?<split>train|t10k|test)-(?<part>images|labels)[-.]idx\d-ubyte(?:\.gz)?$/u;

interface IdxFiles {
  readonly images?: string;
  readonly labels?: string;
}

/** The files of each split, `t10k` and `test` as `val`. @throws MaeError where a folder holds two such data sets */
function findFiles(folder: string): Map<string, IdxFiles> {
  const splits = new Map<string, IdxFiles>();
  for (const name of listNames(folder)) {
    const groups = IDX_NAME.exec(name)?.groups;
    if (groups === undefined) continue;
    const split = groups.split === 'train' ? 'train' : 'val';
    const part = groups.part === 'images' ? 'images' : 'labels';
    const files = splits.get(split) ?? {};
    if (files[part] !== undefined) {
      throw new MaeError('DATA_INVALID', {
        what: `there are two files of the ${split} ${part}: ${files[part]} and ${name}`,
        where: folder,
        fix: 'keep one data set in a folder',
      });
    }
    splits.set(split, { ...files, [part]: name });
  }
  return splits;
}

function listNames(folder: string): string[] {
  if (isFolder(folder)) return readdirSync(folder).sort();
  throw new MaeError('DATA_NOT_FOUND', { what: 'there is no such folder', where: folder, fix: 'check the path' });
}

/**
 * A data set of the MNIST family: pictures of one split, with their classes where there is a file of labels. Classes
 * are named by their numbers, up to the highest in the training labels.
 *
 * @param split `train` (default) or `val` (files named `t10k` or `test`)
 * @throws MaeError `DATA_NOT_FOUND` or `DATA_INVALID`, naming the file
 */
export function idxDataset(folder: string, split = 'train'): Dataset<number | undefined> {
  const splits = findFiles(folder);
  const { images: imageName, labels: labelName } = splits.get(split) ?? {};
  if (imageName === undefined) {
    const found = [...splits.keys()];
    throw new MaeError('DATA_NOT_FOUND', {
      what: `there is no file of pictures for the split \`${split}\``,
      where: folder,
      fix: found.length > 0 ? `it has ${found.join(', ')}` : 'it should be named like train-images-idx3-ubyte.gz',
    });
  }
  const imagePath = join(folder, imageName);
  const { shape, data } = readIdxFile(imagePath, (sizes) => requirePictures(sizes, imagePath));
  const [size = 0, height = 0, width = 0, channels = 1] = shape;
  const labels = labelName === undefined ? undefined : readLabels(join(folder, labelName), size, imageName);
  const imageBytes = height * width * channels;
  return {
    name: folder,
    size,
    item(index) {
      const pixels = data.slice(index * imageBytes, (index + 1) * imageBytes);
      const image = { kind: 'pixels', data: pixels, width, height, channels } as const;
      const id = `${imageName.replace(/\.gz$/u, '')}#${index}`;
      return labels === undefined ? { id, image } : { id, image, target: labels[index]! };
    },
    ...(labels === undefined
      ? {}
      : {
          classNames: classNamesOf(folder, splits.get('train')?.labels, labels),
          labelling: { unit: 'picture', countsOf: (index: number) => new Map([[labels[index]!, 1]]) },
        }),
    layout: `IDX, ${imageName}${labelName === undefined ? '' : ` with ${labelName}`}`,
    warnings: labelName === undefined ? [`${folder}: the ${split} pictures have no file of labels`] : [],
  };
}

/** @throws MaeError `DATA_INVALID` for sizes that are no pictures, or beyond the limit of pixels */
function requirePictures(shape: readonly number[], path: string): void {
  const [, height = 0, width = 0] = shape;
  if (shape.length < 3 || shape.length > 4 || shape.includes(0)) {
    throw invalid(path, `its shape is ${shape.join(' × ')}, not pictures × height × width (× channels)`);
  }
  const most = 2 * DEFAULT_MAX_PIXELS;
  if (height * width > most) {
    throw invalid(path, `its pictures would have ${width} × ${height} pixels, more than the ${most} that are read`);
  }
}

function readLabels(path: string, size: number, imageName: string): Uint8Array {
  return readIdxFile(path, (shape) => {
    requireOneDimension(shape, path);
    if (shape[0] !== size) throw invalid(path, `it has ${shape[0]!} labels for the ${size} pictures of ${imageName}`);
  }).data;
}

function requireOneDimension(shape: readonly number[], path: string): void {
  if (shape.length !== 1) throw invalid(path, `its shape is ${shape.join(' × ')}, not one label for each picture`);
}

function classNamesOf(folder: string, trainLabels: string | undefined, labels: Uint8Array): string[] {
  const trainPath = trainLabels === undefined ? undefined : join(folder, trainLabels);
  const training =
    trainPath === undefined ? labels : readIdxFile(trainPath, (shape) => requireOneDimension(shape, trainPath)).data;
  const highest = (values: Uint8Array): number => values.reduce((most, value) => Math.max(most, value), 0);
  const numClasses = highest(training) + 1;
  const unknown = highest(labels);
  if (unknown >= numClasses) {
    throw invalid(folder, `the label ${unknown} is above the highest training label ${numClasses - 1}`);
  }
  return Array.from({ length: numClasses }, (_, index) => String(index));
}

/** Reads folders of IDX files: MNIST, Fashion-MNIST, EMNIST, KMNIST. */
export const idxReader: DataReader = {
  name: 'idx',
  recognizes: (path) =>
    Promise.resolve(isFolder(path) && readdirSync(path).some((name) => IDX_NAME.exec(name)?.groups?.part === 'images')),
  splits: (path) => Promise.resolve([...findFiles(path).keys()].sort()),
  open: (path, options) => new Promise((resolve) => resolve(idxDataset(path, options?.split ?? 'train'))),
};
