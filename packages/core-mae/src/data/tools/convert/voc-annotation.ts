import { MaeError } from '../../../base/errors.js';
import type { Notes } from './notes.js';
import { childOf, type XmlElement } from './xml-elements.js';

/** What one XML file of Pascal VOC says. */
export interface VocAnnotation {
  /** As written; empty where it says nothing. */
  readonly fileName: string;
  readonly fileNameLine: number;
  /** What it says of the picture's size; undefined where it says nothing, or 0. */
  readonly size: { readonly width: number; readonly height: number; readonly line: number } | undefined;
  readonly objects: readonly VocObject[];
}

export interface VocObject {
  readonly name: string;
  /** `[xmin, ymin, xmax, ymax]` as written, in order. */
  readonly corners: readonly [number, number, number, number];
  readonly difficult: boolean;
  readonly line: number;
}

/** @throws MaeError `DATA_INVALID` naming the file and the line */
export function readVocAnnotation(root: XmlElement, file: string, notes: Notes): VocAnnotation {
  const fileName = childOf(root, 'filename');
  const size = childOf(root, 'size');
  const sides = size === undefined ? [] : [sideIn(size, 'width'), sideIn(size, 'height')];
  const [width = 0, height = 0] = sides;
  return {
    fileName: fileName?.text ?? '',
    fileNameLine: fileName?.line ?? root.line,
    size: width > 0 && height > 0 ? { width, height, line: size!.line } : undefined,
    objects: root.children.filter(({ name }) => name === 'object').map((object) => readObject(object, file, notes)),
  };
}

/** A side of the picture, which itself knows better where this is no number. */
function sideIn(size: XmlElement, name: string): number {
  const side = Number(childOf(size, name)?.text);
  return Number.isFinite(side) ? side : 0;
}

function readObject(object: XmlElement, file: string, notes: Notes): VocObject {
  const name = childOf(object, 'name')?.text ?? '';
  if (name === '') throw invalid('an object has no name', file, object.line, 'name its class');
  const bounds = childOf(object, 'bndbox');
  if (bounds === undefined) {
    const isTurned = childOf(object, 'robndbox') !== undefined;
    throw invalid(
      `the object "${name}" has no bndbox${isTurned ? ', only a turned box (robndbox)' : ''}`,
      file,
      object.line,
      isTurned ? 'write the upright box around it as bndbox' : 'give its box as xmin, ymin, xmax, ymax, or remove it',
    );
  }
  const [x0, y0, x1, y1] = ['xmin', 'ymin', 'xmax', 'ymax'].map((key) => numberIn(bounds, key, file)) as [
    number,
    number,
    number,
    number,
  ];
  if (x0 > x1 || y0 > y1) {
    notes.add(
      'corners of boxes put in order',
      `${file}, line ${bounds.line}: the corners of the box (${x0}, ${y0}, ${x1}, ${y1}) are reversed; put in order`,
    );
  }
  if (childOf(object, 'polygon') !== undefined) {
    notes.add(
      'outlines passed over',
      `${file}, line ${object.line}: has an outline (polygon), which is passed over; its box is used`,
    );
  }
  return {
    name,
    corners: [Math.min(x0, x1), Math.min(y0, y1), Math.max(x0, x1), Math.max(y0, y1)],
    difficult: /^(?:1|true|yes)$/iu.test(childOf(object, 'difficult')?.text ?? ''),
    line: bounds.line,
  };
}

function numberIn(element: XmlElement, name: string, file: string): number {
  const child = childOf(element, name);
  const text = child?.text ?? '';
  // Plain decimals: what else a program may take for a number is a mistake here.
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/iu.test(text) && Number.isFinite(Number(text))) return Number(text);
  const problem =
    child === undefined ? `${element.name} has no ${name}` : `${name} (=${text}) in ${element.name} is no number`;
  throw invalid(problem, file, (child ?? element).line, 'give pixels');
}

function invalid(what: string, file: string, line: number, fix: string): MaeError {
  return new MaeError('DATA_INVALID', { what, where: `${file}, line ${line}`, fix });
}
