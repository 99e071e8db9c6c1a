import { renderPng } from './render-png.js';
import { fitText, outlineText, textWidth } from './svg-text.js';
import { svgDocument } from './svg.js';
import { largest } from '../../base/long-lists.js';

const FONT = 12;
const MAX_LABEL = 130;
/** Above this many classes, numbers and names would be too small to read. */
const MAX_NAMED = 40;

/** Above this many classes a cell stands for several: a picture of a thousand rows is all that anybody can look at. */
const MAX_CELLS = 400;

export interface ConfusionMatrixOptions {
  /** What stands in a cell: its count, or its share of the row in percent. Default `counts`. */
  readonly cells?: 'counts' | 'percent';
}

/**
 * A picture of a confusion matrix as a PNG file: a row for each true class, a column for each predicted one, cells as
 * dark as their share of the row, with their counts or shares. Of more than 400 classes, neighbours share a cell.
 *
 * @param counts `[true class, predicted class]`
 */
export function confusionMatrixPng(
  counts: Float64Array,
  classNames: readonly string[],
  options: ConfusionMatrixOptions = {},
): Promise<Uint8Array> {
  const numClasses = classNames.length;
  const numTogether = Math.ceil(numClasses / MAX_CELLS);
  if (numTogether <= 1) return drawMatrix(counts, classNames, '', options);
  const size = Math.ceil(numClasses / numTogether);
  const together = new Float64Array(size * size);
  for (let row = 0; row < numClasses; row++) {
    for (let column = 0; column < numClasses; column++) {
      together[Math.floor(row / numTogether) * size + Math.floor(column / numTogether)]! +=
        counts[row * numClasses + column]!;
    }
  }
  const names = Array.from({ length: size }, (_, index) => classNames[index * numTogether]!);
  return drawMatrix(together, names, `, ${numTogether} classes to a cell`, options);
}

function drawMatrix(
  counts: Float64Array,
  classNames: readonly string[],
  grouping: string,
  { cells = 'counts' }: ConfusionMatrixOptions,
): Promise<Uint8Array> {
  const size = classNames.length;
  const named = size <= MAX_NAMED;
  const cell = named ? Math.max(26, Math.min(48, Math.floor(640 / size))) : Math.max(2, Math.floor(800 / size));
  const label = named ? Math.min(MAX_LABEL, largest(classNames.map((name) => textWidth(name, FONT)))) : 0;
  const [left, top] = [label + 44, 64 + (named ? label : 0)];
  const parts = [
    outlineText(`Confusion matrix${cells === 'counts' ? '' : ', % of the true class'}${grouping}`, {
      x: 16,
      y: 26,
      size: 16,
      bold: true,
    }),
    outlineText('predicted', { x: left, y: 46, size: FONT }),
    outlineText('true', { x: 16, y: top - 8, size: FONT }),
  ];
  classNames.forEach((name, index) => {
    if (!named) return;
    const fitted = fitText(name, FONT, MAX_LABEL);
    const y = top + index * cell + cell / 2 + FONT / 3;
    const x = left + index * cell + cell / 2 + FONT / 3;
    parts.push(outlineText(fitted, { x: left - 8, y, size: FONT, anchor: 'end' }));
    parts.push(`<g transform="rotate(-90 ${x} ${top - 8})">${outlineText(fitted, { x, y: top - 8, size: FONT })}</g>`);
  });
  for (let row = 0; row < size; row++) {
    const total = counts.subarray(row * size, (row + 1) * size).reduce((sum, count) => sum + count, 0);
    for (let column = 0; column < size; column++) {
      const count = counts[row * size + column]!;
      const share = total === 0 ? 0 : count / total;
      const [x, y] = [left + column * cell, top + row * cell];
      parts.push(`<rect x="${x}" y="${y}" width="${cell}" height="${cell}" fill="${shade(share)}" stroke="#e3e7eb"/>`);
      const shown = cells === 'counts' ? count : Math.round(100 * share);
      if (named && shown > 0) parts.push(countText(shown, x + cell / 2, y + cell / 2 + 4, share > 0.55, cell));
    }
  }
  const [width, height] = [left + size * cell + 20, top + size * cell + 20];
  return renderPng(svgDocument({ width, height, body: parts.join(''), label: 'Confusion matrix', theme: 'light' }));
}

/** From white to dark blue. */
function shade(share: number): string {
  const mix = (from: number, to: number): number => Math.round(from + (to - from) * share);
  return `rgb(${mix(255, 11)},${mix(255, 62)},${mix(255, 130)})`;
}

function countText(count: number, x: number, y: number, onDark: boolean, cell: number): string {
  const text = String(count);
  const size = Math.min(FONT, (cell * FONT) / (textWidth(text, FONT) + 6));
  return outlineText(text, { x, y, size, anchor: 'middle', tone: onDark ? 'inverse' : 'text' });
}
