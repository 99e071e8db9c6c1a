import { CONTROLS } from './harmless-text.js';

/**
 * A path, or another word from anywhere, as a person can paste it into a POSIX shell: one word there that stands for
 * exactly this text and for no option. Characters that a terminal would obey are written by their codes. A line's end
 * that is the last character is lost, as shells have it.
 */
export function shellWord(text: string): string {
  const word = text.startsWith('-') ? `./${text}` : text;
  if (/^[\w./:@%+,-]+$/u.test(word)) return word;
  if (word.search(CONTROLS) < 0) return `'${word.replaceAll("'", String.raw`'\''`)}'`;
  const octal = (part: string): string =>
    Array.from(new TextEncoder().encode(part), (byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
  const format = word
    .replaceAll('%', '%%')
    .replace(/[\\'"$`!]/gu, octal)
    .replace(CONTROLS, octal);
  return `"$(printf '${format}')"`;
}
