import type picocolors from 'picocolors';

type Colors = ReturnType<typeof picocolors.createColors>;

/** Looks that text can have; the terminal leaves them out where it has no colours. */
export type Look = 'bold' | 'dim' | 'green' | 'red' | 'yellow';

/**
 * One line for a terminal. A string is shown and never obeyed: names of files and classes, and what plugins and libraries
 * say, come from anywhere, so no character of a string moves the cursor, ends the line or hides what follows. Looks come
 * from {@link looking} alone. A list is its parts one after the other.
 */
export type Text = string | Looking | readonly Text[];

export interface Looking {
  readonly look: Look;
  readonly text: Text;
}

/** The text with a look. */
export function looking(look: Look, text: Text): Looking {
  return { look, text };
}

/** The characters of a text as they are written to a terminal, without looks. */
export function plainText(text: Text): string {
  if (typeof text === 'string') return withoutControls(text);
  return 'look' in text ? plainText(text.text) : text.map(plainText).join('');
}

/** A text as it is written to a terminal with these colours. */
export function writtenText(text: Text, colors: Colors): string {
  if (typeof text === 'string') return withoutControls(text);
  return 'look' in text
    ? colors[text.look](writtenText(text.text, colors))
    : text.map((part) => writtenText(part, colors)).join('');
}

/**
 * Controls of terminals (C0, C1, delete), ends of lines, and what changes the direction of other text or takes no room.
 * Joiners and variation selectors stay: scripts and emoji are made of them.
 */
const controls = /[\p{Cc}\u00AD\u061C\u200B\u200E\u200F\u2028-\u202E\u2060-\u206F\uFEFF\uFFF9-\uFFFB]/gu;
const known = new Map([
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
]);

/**
 * The string with every control written out, as a programming language would: `\n`, `\x1b`, `\u202e`.
 *
 * @param options whether it consists of lines, whose ends stay. Default false
 */
export function withoutControls(text: string, { lines = false }: { readonly lines?: boolean } = {}): string {
  return text.replace(controls, (control) => {
    if (lines && control === '\n') return control;
    const code = control.codePointAt(0)!.toString(16);
    return known.get(control) ?? (code.length <= 2 ? `\\x${code.padStart(2, '0')}` : `\\u${code.padStart(4, '0')}`);
  });
}
