import { escapeMarkup } from './escape-markup.js';
import { type FontGlyph, typeface } from './fonts.js';

export interface TextPlacement {
  readonly x: number;
  /** The baseline. */
  readonly y: number;
  /** Height of an em in pixels. */
  readonly size: number;
  /** Which point of the text lies at `x`. Default `start`. */
  readonly anchor?: 'start' | 'middle' | 'end';
  readonly bold?: boolean;
  /** `text` (default), `muted`, or `inverse`: white on dark. */
  readonly tone?: 'text' | 'muted' | 'inverse';
}

/** Returns SVG that shows a line of text. */
export type DrawText = (text: string, placement: TextPlacement) => string;

/** Text as text: can be selected, searched and read aloud, but needs a font where it is shown. */
export const fontText: DrawText = (text, { x, y, size, anchor = 'start', bold = false, tone = 'text' }) =>
  `<text class="mae-${tone}" x="${round(x)}" y="${round(y)}" font-size="${size}" text-anchor="${anchor}"` +
  `${bold ? ' font-weight="600"' : ''}>${escapeMarkup(text)}</text>`;

/**
 * Text as outlines of its letters, for pictures that must look the same on every machine: a server without fonts would
 * show boxes. Letters that neither DejaVu Sans nor a font named in MAE_TASKS_FONT has are left to the machine's fonts.
 */
export const outlineText: DrawText = (text, { x, y, size, anchor = 'start', bold = false, tone = 'text' }) => {
  const shift = anchor === 'start' ? 0 : anchor === 'middle' ? 0.5 : 1;
  let at = x - shift * textWidth(text, size, bold);
  let outlines = '';
  const foreign: string[] = [];
  for (const { character, glyph, width } of lettersOf(text, bold)) {
    if (glyph !== undefined) outlines += glyph.getPath(at, y, size).toPathData(2);
    else foreign.push(fontText(character, { x: at, y, size, bold, tone }));
    at += width * size;
  }
  const path = outlines === '' ? '' : `<path d="${outlines}"/>`;
  return `<g class="mae-${tone}">${path}${foreign.join('')}</g>`;
};

interface Letter extends Partial<FontGlyph> {
  readonly character: string;
  /** Of an em. */
  readonly width: number;
}

const letters = new Intl.Segmenter('en', { granularity: 'grapheme' });
/** Marks that say how a letter looks, and have no look of their own. */
const INVISIBLE = /\u200d|\ufe0e|\ufe0f/gu;

function* lettersOf(text: string, bold: boolean): Generator<Letter> {
  const face = typeface(bold ? 'bold' : 'regular');
  for (const { segment } of letters.segment(text.normalize('NFC'))) {
    const characters = [...segment.replace(INVISIBLE, '')];
    const glyphs = characters.map((character) => face.glyphOf(character));
    if (glyphs.some((glyph) => glyph === undefined)) {
      // As wide as its em, like the letters of most scripts that the fonts do not have.
      yield { character: segment, width: 1 };
      continue;
    }
    for (const [index, glyph] of glyphs.entries()) yield { character: characters[index]!, ...glyph! };
  }
}

/** Width in pixels of a line of outlined text, and about that of another sans-serif font. */
export function textWidth(text: string, size: number, bold = false): number {
  let ems = 0;
  for (const { width } of lettersOf(text, bold)) ems += width;
  return ems * size;
}

/** The text, its end replaced by … where it is wider than `width` pixels. */
export function fitText(text: string, size: number, width: number, bold = false): string {
  if (textWidth(text, size, bold) <= width) return text;
  const characters = [...text];
  let kept = characters.length - 1;
  while (kept > 0 && textWidth(`${characters.slice(0, kept).join('')}…`, size, bold) > width) kept--;
  return `${characters.slice(0, kept).join('')}…`;
}

/** As {@link fitText}, but of a path that is too long the folders in front go first, because its name says most. */
export function fitPath(text: string, size: number, width: number): string {
  let shown = text;
  let rest = text;
  while (textWidth(shown, size) > width) {
    const slash = rest.indexOf('/');
    if (slash < 0) break;
    rest = rest.slice(slash + 1);
    shown = `…/${rest}`;
  }
  return fitText(shown, size, width);
}

/** A coordinate with two decimals, enough for a hundredth of a pixel. */
export function round(value: number): number {
  return Math.round(value * 100) / 100;
}
