import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter } from 'node:path';
import type { Font, Glyph, OpenType } from 'opentype.js';
import { MaeError, messageOf } from '../../base/errors.js';

/** Names font files (TrueType or OpenType) that labels are drawn with before the built-in one, separated as in PATH. */
export const FONT_VARIABLE = 'MAE_TASKS_FONT';

const require = createRequire(import.meta.url);

/** A character of a font, in units of its em. */
export interface FontGlyph {
  readonly glyph: Glyph;
  /** Of an em. */
  readonly width: number;
}

/** What draws one weight of letters: the named fonts, then DejaVu Sans, which holds Latin, Greek, Cyrillic and signs. */
export interface Typeface {
  /** The glyph of a character; undefined where no font has one. */
  glyphOf(character: string): FontGlyph | undefined;
}

let regular: Typeface | undefined;
let bold: Typeface | undefined;

/** The typeface of labels, read when it is first asked for. @throws MaeError `CONFIG_INVALID` for a named file that is no font */
export function typeface(weight: 'regular' | 'bold'): Typeface {
  if (weight === 'bold') return (bold ??= openTypeface('DejaVuSans-Bold.ttf'));
  return (regular ??= openTypeface('DejaVuSans.ttf'));
}

/** Reads the fonts of labels, so that one that cannot be read is told now. @throws MaeError as `typeface` */
export function requireFonts(): void {
  typeface('regular');
}

function openTypeface(builtIn: string): Typeface {
  const named = (process.env[FONT_VARIABLE] ?? '').split(delimiter).filter((path) => path !== '');
  const path = require.resolve(`dejavu-fonts-ttf/ttf/${builtIn}`);
  const fonts = [...named.map(openNamedFont), readFont(path)];
  const known = new Map<string, FontGlyph | undefined>();
  return {
    glyphOf(character) {
      if (!known.has(character)) known.set(character, glyphIn(fonts, character));
      return known.get(character);
    },
  };
}

function glyphIn(fonts: readonly Font[], character: string): FontGlyph | undefined {
  const font = fonts.find((each) => each.charToGlyphIndex(character) > 0);
  const glyph = font?.charToGlyph(character);
  return font && glyph && { glyph, width: (glyph.advanceWidth ?? font.unitsPerEm) / font.unitsPerEm };
}

function openNamedFont(path: string): Font {
  try {
    return readFont(path);
  } catch (cause) {
    throw new MaeError('CONFIG_INVALID', {
      what: `${FONT_VARIABLE} names no font that can be read (${messageOf(cause)})`,
      where: path,
      fix: 'name TrueType or OpenType files (.ttf, .otf; collections, .ttc, are not read), or unset it',
      cause,
    });
  }
}

function readFont(path: string): Font {
  // Loaded with the first font: charts without outlines need no such package.
  const { parse } = require('opentype.js') as OpenType;
  const { buffer, byteOffset, byteLength } = readFileSync(path);
  // A font has thousands of glyphs, and a chart a few dozen: they are read as they are used.
  return parse(buffer.slice(byteOffset, byteOffset + byteLength), { lowMemory: true });
}
