import { MaeError } from '../../../base/errors.js';
import type { ConvertedObject } from './coco-document.js';
import type { Notes } from './notes.js';
import type { YoloDataFile } from './yolo-data-file.js';

/** How far a share may pass 0 or 1 and still be one: what tools write for objects at the edge. */
const TOLERANCE = 0.01;
const KEYPOINTS_HINT = '; labels with keypoints need kpt_shape in data.yaml';
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/iu;

export interface LabelReader {
  /**
   * The objects of one picture's label file, inside the picture.
   *
   * @throws MaeError `DATA_INVALID` naming the file and the line
   */
  read(text: string, file: string, size: { readonly width: number; readonly height: number }): ConvertedObject[];
  /** @throws MaeError `DATA_INVALID` where what all lines have in common says that they were read as something else */
  finish(): void;
}

/** What is known of all lines, when the last one was read. */
interface Seen {
  numLines: number;
  /** Lines whose first four numbers are a box with all other points in it. */
  numPoseLike: number;
  lengths: Set<number>;
  first: string;
  /** Objects whose keypoints, or whose confidence, were left out. */
  numKeypoints: number;
  numConfidences: number;
}

/** @param data says what the lines hold: their meaning is not told from how many numbers there are, where that is known */
export function createLabelReader({ names, keypoints, file: dataFile }: YoloDataFile, notes: Notes): LabelReader {
  const seen: Seen = { numLines: 0, numPoseLike: 0, lengths: new Set(), first: '', numKeypoints: 0, numConfidences: 0 };
  return {
    read(text, file, { width, height }) {
      const objects: ConvertedObject[] = [];
      const lines = new Set<string>();
      text.split(/\r\n|\r|\n/u).forEach((line, index) => {
        const cells = line.trim().split(/\s+/u);
        if (cells[0] === '') return;
        const where = `${file}, line ${index + 1}`;
        const normal = cells.join(' ');
        if (lines.has(normal)) {
          notes.add('lines that say the same', `${where}: says the same as a line before; left out`);
          return;
        }
        lines.add(normal);
        if (!cells.every((cell) => NUMBER.test(cell))) {
          throw invalidLine(
            file,
            index,
            `is no class with a box or an outline: ${cells.find((cell) => !NUMBER.test(cell))!} is no number`,
          );
        }
        const [classIndex, ...shares] = cells.map(Number) as [number, ...number[]];
        requireClass(classIndex, cells[0]!, names, file, index);
        const shape = shapeOf(shares, keypoints, file, index, seen);
        remember(seen, shares, keypoints, where);
        requireShares(shape.shares, keypoints === undefined && shares.length > 4, file, index);
        const object =
          shape.kind === 'box'
            ? boxObject(classIndex, shape.shares, width, height, where, notes)
            : outlineObject(classIndex, shape.shares, width, height);
        if (object.box[2] > 0 && object.box[3] > 0) objects.push(object);
        else notes.add('objects without area', `${where}: the object has no area; left out`);
      });
      return objects;
    },
    finish() {
      const { numLines, numPoseLike, lengths, first, numKeypoints, numConfidences } = seen;
      if (numKeypoints > 0) {
        notes.add(
          'keypoints',
          `the keypoints of ${numKeypoints} objects are left out (kpt_shape): their boxes are taken`,
        );
      }
      if (numConfidences > 0) {
        notes.add(
          'confidences',
          `${numConfidences} label lines end with a confidence, as predictions do: their boxes are taken for labels`,
        );
      }
      if (numLines > 0 && numPoseLike === numLines && lengths.size === 1) {
        throw new MaeError('DATA_INVALID', {
          what: 'all lines are a box with points inside it: labels with keypoints',
          where: first,
          fix: `say how many there are by kpt_shape in ${dataFile ?? 'a data.yaml'}; boxes are then taken and keypoints left out`,
        });
      }
      if (numLines > 0 && keypoints === undefined && lengths.size === 1 && lengths.has(8)) {
        notes.add(
          'turned boxes',
          'all labels have four corners (turned boxes): they become outlines, with the upright boxes around them',
        );
      }
    },
  };
}

function remember(seen: Seen, shares: readonly number[], keypoints: unknown, where: string): void {
  if (seen.numLines === 0) seen.first = where;
  seen.numLines++;
  if (seen.lengths.size < 2) seen.lengths.add(shares.length);
  if (keypoints === undefined && shares.length >= 10 && hasPointsInBox(shares)) seen.numPoseLike++;
}

function hasPointsInBox([x, y, w, h, ...points]: readonly number[]): boolean {
  return points.every((value, i) => Math.abs(value - (i % 2 === 0 ? x! : y!)) <= (i % 2 === 0 ? w! : h!) / 2 + 1e-6);
}

function requireClass(
  classIndex: number,
  text: string,
  names: ReadonlyMap<number, string>,
  file: string,
  index: number,
): void {
  if (names.has(classIndex)) return;
  let last = -1;
  for (const each of names.keys()) last = Math.max(last, each);
  const known =
    names.size === last + 1 ? `there are ${names.size} classes (0 to ${last})` : 'no class of that number has a name';
  throw invalidLine(file, index, `has class ${text}, but ${known}`);
}

interface Shape {
  readonly kind: 'box' | 'outline';
  readonly shares: readonly number[];
}

function shapeOf(
  shares: readonly number[],
  keypoints: YoloDataFile['keypoints'],
  file: string,
  index: number,
  seen: Seen,
): Shape {
  const box: Shape = { kind: 'box', shares: shares.slice(0, 4) };
  if (shares.length === 4) return box;
  if (keypoints !== undefined) {
    const wanted = 4 + keypoints.count * keypoints.numbers;
    if (shares.length !== wanted) {
      const form = `a class and ${wanted} numbers (a box and kpt_shape ${keypoints.count} × ${keypoints.numbers})`;
      throw invalidLine(file, index, `has ${shares.length} numbers after its class, and not ${form}`);
    }
    seen.numKeypoints++;
    return box;
  }
  if (shares.length === 5 && shares[4]! >= 0 && shares[4]! <= 1) {
    seen.numConfidences++;
    return box;
  }
  if (shares.length >= 6 && shares.length % 2 === 0) return { kind: 'outline', shares };
  const problem = shares.length < 6 ? '' : `: ${shares.length} numbers are no pairs of x and y`;
  throw invalidLine(
    file,
    index,
    `is no class with a box or an outline${problem}`,
    shares.length < 6 ? '' : KEYPOINTS_HINT,
  );
}

function requireShares(shares: readonly number[], isLong: boolean, file: string, index: number): void {
  const beyond = shares.find((share) => share < -TOLERANCE || share > 1 + TOLERANCE);
  if (beyond === undefined) return;
  throw invalidLine(
    file,
    index,
    `has values beyond the picture (${beyond}): they are shares of its width and height, not pixels`,
    isLong ? KEYPOINTS_HINT : '',
  );
}

function boxObject(
  classIndex: number,
  shares: readonly number[],
  width: number,
  height: number,
  where: string,
  notes: Notes,
): ConvertedObject {
  const [centerX, centerY, w, h] = shares as unknown as readonly [number, number, number, number];
  const [left, spanX, cutX] = inside(centerX, w);
  const [top, spanY, cutY] = inside(centerY, h);
  if (Math.max(cutX, cutY) > TOLERANCE) {
    notes.add('boxes cut at the edge', `${where}: the box passes the edge of the picture; cut there`);
  }
  return { classIndex, box: [left * width, top * height, spanX * width, spanY * height] };
}

/** Where an interval begins, how long it is between 0 and 1, and how much of it was cut off. */
function inside(center: number, length: number): readonly [start: number, length: number, cut: number] {
  const [start, end] = [center - length / 2, center + length / 2];
  if (start >= 0 && end <= 1) return [start, length, 0];
  const [low, high] = [Math.min(1, Math.max(0, start)), Math.min(1, Math.max(0, end))];
  return [low, high - low, length - (high - low)];
}

function outlineObject(classIndex: number, shares: readonly number[], width: number, height: number): ConvertedObject {
  const points = shares.map((share, i) => Math.min(1, Math.max(0, share)) * (i % 2 === 0 ? width : height));
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < points.length; i += 2) {
    left = Math.min(left, points[i]!);
    right = Math.max(right, points[i]!);
    top = Math.min(top, points[i + 1]!);
    bottom = Math.max(bottom, points[i + 1]!);
  }
  return { classIndex, box: [left, top, right - left, bottom - top], polygons: [points] };
}

function invalidLine(file: string, index: number, problem: string, hint = ''): MaeError {
  return new MaeError('DATA_INVALID', {
    what: `line ${index + 1} ${problem}`,
    where: file,
    fix: `a line is "class x y width height" or "class x1 y1 x2 y2 x3 y3 …", from 0 to 1${hint}`,
  });
}
