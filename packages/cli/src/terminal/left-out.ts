import type { BadImage } from '@mae-tasks/core-mae';
import type { Terminal } from './terminal.js';

/** Pictures that cannot be used, where each picture counts once. */
export interface LeftOut {
  readonly ids: readonly string[];
  /** For those who come upon one: it is named at once. */
  readonly report: (this: void, bad: BadImage) => void;
  /** Says how many there were, where there were any. */
  summarize(total: number): void;
}

export function createLeftOut(terminal: Terminal): LeftOut {
  const ids: string[] = [];
  return {
    ids,
    report({ id, error }) {
      ids.push(id);
      terminal.warn(`left out: ${error.where === undefined ? `${id}: ` : ''}${error.message}`);
    },
    summarize(total) {
      if (ids.length === 0) return;
      terminal.warn(
        `${ids.length} of ${total} pictures cannot be used and ${ids.length === 1 ? 'was' : 'were'} left out.`,
      );
    },
  };
}
