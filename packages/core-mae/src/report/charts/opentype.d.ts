/** What is used of opentype.js, which has no types of its own; those that others publish need a browser's whole DOM. */
declare module 'opentype.js' {
  export interface Path {
    toPathData(decimalPlaces: number): string;
  }

  export interface Glyph {
    /** In units of the font. */
    readonly advanceWidth: number | undefined;
    getPath(x: number, y: number, fontSize: number): Path;
  }

  export interface Font {
    readonly unitsPerEm: number;
    /** 0 where the font has no such character. */
    charToGlyphIndex(character: string): number;
    charToGlyph(character: string): Glyph;
  }

  export interface OpenType {
    readonly parse: (buffer: ArrayBufferLike, options: { readonly lowMemory: boolean }) => Font;
  }
}
