import type cliTruncate from 'cli-truncate';
import type stringWidth from 'string-width';

interface Measures {
  readonly stringWidth: typeof stringWidth;
  readonly cliTruncate: typeof cliTruncate;
}

let measures: Measures | undefined;

/**
 * Loads what measures text, before a command begins: its tables of Unicode take as long to load as all else that `--help`
 * needs.
 */
export async function loadTextMeasures(): Promise<void> {
  const [width, truncate] = await Promise.all([import('string-width'), import('cli-truncate')]);
  measures = { stringWidth: width.default, cliTruncate: truncate.default };
}

/** Columns that a text without controls and colours takes on a terminal. */
export function displayWidth(plain: string): number {
  return loaded().stringWidth(plain);
}

/** The text, its end replaced by … where it is wider than `columns`. */
export function truncateToWidth(plain: string, columns: number): string {
  return loaded().cliTruncate(plain, columns);
}

function loaded(): Measures {
  if (measures === undefined) throw new Error('Text is measured before loadTextMeasures was called.');
  return measures;
}
