import { withoutControls } from '@mae-tasks/core-mae/find-plugins';
import type picocolors from 'picocolors';

export { withoutControls };

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
