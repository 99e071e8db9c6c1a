import { escapeUTF8 } from 'entities';

/** The text with everything escaped that has a meaning in XML or HTML, in elements and in quoted attributes. */
export function escapeMarkup(text: string): string {
  // XML has no way to hold control characters and lone surrogates, not even escaped.
  return escapeUTF8(text).replace(/[^\P{Cc}\t\n\r]|\p{Cs}|[\uFFFE\uFFFF]/gu, '\uFFFD');
}
