import { escapeMarkup } from './escape-markup.js';
import { type Glyph, glyphs, missingGlyph } from './stroke-glyphs.js';

export interface TextPlacement {
  readonly x: number;
  /** The baseline. */
  readonly y: number;
  /** Height of an em in pixels. */
  readonly size: number;
  /** Which point of the text lies at `x`. Default `start`. */
  readonly anchor?: 'start' | 'middle' | 'end';
  readonly bold?: boolean;
  /** `text` (default) or `muted`. */
  readonly tone?: 'text' | 'muted';
}

/** Returns SVG that shows a line of text. */
export type DrawText = (text: string, placement: TextPlacement) => string;

/** Text as text: can be selected, searched and read aloud, but needs a font where it is shown. */
export const fontText: DrawText = (text, { x, y, size, anchor = 'start', bold = false, tone = 'text' }) =>
  `<text class="mae-${tone}" x="${round(x)}" y="${round(y)}" font-size="${size}" text-anchor="${anchor}"` +
  `${bold ? ' font-weight="600"' : ''}>${escapeMarkup(text)}</text>`;

/**
 * Text as lines of a built-in alphabet, for pictures that must look the same on every machine: a server without fonts
 * would show boxes. Accents are left out; a character without a drawing becomes a box.
 */
export const strokeText: DrawText = (text, { x, y, size, anchor = 'start', bold = false, tone = 'text' }) => {
  const scale = size / emUnits;
  const shift = anchor === 'start' ? 0 : anchor === 'middle' ? 0.5 : 1;
  const strokes: string[] = [];
  let position = sideBearing;
  for (const [width, path] of glyphsOf(text)) {
    if (path !== '') strokes.push(`<path transform="translate(${round(position)} 0)" d="${path}"/>`);
    position += width + 2 * sideBearing;
  }
  const left = x - shift * textWidth(text, size);
  return (
    `<g class="mae-${tone}-strokes" stroke-width="${bold ? 1.1 : 0.85}" ` +
    `transform="translate(${round(left)} ${round(y)}) scale(${round(scale)})">${strokes.join('')}</g>`
  );
};

const emUnits = 10;
const sideBearing = 0.8;

function glyphsOf(text: string): Glyph[] {
  return [...text.normalize('NFD').replace(/\p{M}/gu, '')].map((character) => glyphs[character] ?? missingGlyph);
}

/** Width in pixels of a line of stroke text; close enough for a sans-serif font too. */
export function textWidth(text: string, size: number): number {
  let units = 0;
  for (const [width] of glyphsOf(text)) units += width + 2 * sideBearing;
  return (units * size) / emUnits;
}

/** The text, its end replaced by … where it is wider than `width` pixels. */
export function fitText(text: string, size: number, width: number): string {
  if (textWidth(text, size) <= width) return text;
  const characters = [...text];
  let kept = characters.length - 1;
  while (kept > 0 && textWidth(`${characters.slice(0, kept).join('')}…`, size) > width) kept--;
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
