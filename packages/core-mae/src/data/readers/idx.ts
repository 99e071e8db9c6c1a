import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { DataReader } from '../../contracts/data-reader.js';
import type { Dataset } from '../../contracts/dataset.js';
import { MaeError, messageOf } from '../../base/errors.js';
import { isFolder } from '../../base/listing.js';

/** An array of bytes as an IDX file holds it. */
export interface IdxArray {
  /** Sizes, outermost first. */
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

const UNSIGNED_BYTE = 0x08;
const GZIP_MAGIC = 0x1f8b;
/** Far above the largest such file (EMNIST's 550 MB); bounds what a small compressed file can unfold to. */
const MAX_BYTES = 2 ** 31 - 1;

/**
 * The array in an IDX file of unsigned bytes, compressed by gzip or not (by content, not by name).
 *
 * @throws MaeError `DATA_NOT_FOUND` or `DATA_INVALID`, naming the file
 */
export function readIdxFile(path: string): IdxArray {
  const bytes = readBytes(path);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 4 || view.getUint16(0) !== 0) {
    throw invalid(
      path,
      'this is no IDX file: it does not begin with two zero bytes, a type and a number of dimensions',
    );
  }
  const type = bytes[2]!;
  if (type !== UNSIGNED_BYTE) {
    throw invalid(path, `its values are of type 0x${type.toString(16).padStart(2, '0')}, not unsigned bytes (0x08)`);
  }
  const numDimensions = bytes[3]!;
  const headerBytes = 4 + 4 * numDimensions;
  if (numDimensions === 0 || bytes.length < headerBytes) {
    throw invalid(path, `its header of ${numDimensions} dimensions is cut short or empty`);
  }
  const shape = Array.from({ length: numDimensions }, (_, axis) => view.getUint32(4 + 4 * axis));
  const expected = shape.reduce((product, size) => product * size, 1);
  const found = bytes.length - headerBytes;
  if (found !== expected) {
    throw invalid(path, `its header says ${shape.join(' × ')} = ${expected} values, but ${found} follow`);
  }
  // Not a Buffer, whose `slice` would be a view.
  return { shape, data: new Uint8Array(bytes.buffer, bytes.byteOffset + headerBytes, found) };
}

function readBytes(path: string): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    throw new MaeError('DATA_NOT_FOUND', { what: `the file cannot be read (${messageOf(cause)})`, where: path, cause });
  }
  if (bytes.length < 2 || ((bytes[0]! << 8) | bytes[1]!) !== GZIP_MAGIC) return bytes;
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_BYTES });
  } catch (cause) {
    throw invalid(path, `it cannot be decompressed (${messageOf(cause)})`, cause);
  }
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
  const { shape, data } = readIdxFile(imagePath);
  const [size = 0, height = 0, width = 0, channels = 1] = shape;
  if (shape.length < 3 || shape.length > 4 || data.length === 0) {
    throw invalid(imagePath, `its shape is ${shape.join(' × ')}, not pictures × height × width (× channels)`);
  }
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

function readLabels(path: string, size: number, imageName: string): Uint8Array {
  const { shape, data } = readIdxFile(path);
  if (shape.length !== 1) throw invalid(path, `its shape is ${shape.join(' × ')}, not one label for each picture`);
  if (data.length !== size)
    throw invalid(path, `it has ${data.length} labels for the ${size} pictures of ${imageName}`);
  return data;
}

function classNamesOf(folder: string, trainLabels: string | undefined, labels: Uint8Array): string[] {
  const training = trainLabels === undefined ? labels : readIdxFile(join(folder, trainLabels)).data;
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
