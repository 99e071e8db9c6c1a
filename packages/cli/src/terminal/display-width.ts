const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
/** Scripts and signs that terminals draw two columns wide. */
const wide =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\u3000-\u303E\uFF01-\uFF60\uFFE0-\uFFE6]/u;
const invisible = /^[\p{Mn}\p{Me}\p{Cf}]*$/u;

/** Columns that a text without controls and colours takes on a terminal. */
export function displayWidth(plain: string): number {
  if (/^[ -~]*$/u.test(plain)) return plain.length;
  let width = 0;
  for (const { segment } of graphemes.segment(plain)) {
    if (!invisible.test(segment)) width += isWide(segment) ? 2 : 1;
  }
  return width;
}

/** U+FE0F asks for a sign's coloured form, which is wide. */
function isWide(segment: string): boolean {
  return wide.test(segment) || segment.includes('\uFE0F');
}

/** The text, its end replaced by … where it is wider than `columns`. */
export function truncateToWidth(plain: string, columns: number): string {
  if (displayWidth(plain) <= columns) return plain;
  let kept = '';
  let width = 1;
  for (const { segment } of graphemes.segment(plain)) {
    width += displayWidth(segment);
    if (width > columns) break;
    kept += segment;
  }
  return columns < 1 ? '' : `${kept}…`;
}
