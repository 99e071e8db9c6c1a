import type { ByteCursor } from './byte-cursor.js';
import type { PickleValue } from './values.js';

/** A fault in a pickle; the reader of the file adds where. */
export class PickleError extends Error {
  override readonly name = 'PickleError';
}

/**
 * How values of a global come about. The functions are this library's own and build data; nothing that the file names
 * is ever called.
 */
export interface GlobalRule {
  readonly reduce?: (args: readonly PickleValue[]) => PickleValue;
  readonly newObject?: (args: readonly PickleValue[]) => PickleValue;
}

/** What a pickle may hold besides plain data. */
export interface PickleRules {
  /** What is allowed with a global of this name ("module name"); undefined: nothing, the file is refused. */
  readonly globals: ReadonlyMap<string, GlobalRule>;
  /** The value of a persistent id: torch's storages. Absent: persistent ids are refused. */
  readonly persistentValue?: (id: PickleValue) => PickleValue;
}

export interface MachineState {
  readonly cursor: ByteCursor;
  readonly rules: PickleRules;
  readonly stack: PickleValue[];
  /** Heights of the stack at the open marks. */
  readonly marks: number[];
  readonly memo: Map<number, PickleValue>;
}

/** The topmost value, taken off. @throws PickleError if there is none above the last mark */
export function pop(state: MachineState): PickleValue {
  const { stack, marks } = state;
  if (stack.length <= (marks.at(-1) ?? 0)) throw new PickleError('the stack is empty where a value is needed');
  return stack.pop()!;
}

/** The topmost value, left where it is. */
export function top(state: MachineState): PickleValue {
  const value = pop(state);
  state.stack.push(value);
  return value;
}

/** The values above the last mark, which are taken off together with it. */
export function popMarked(state: MachineState): PickleValue[] {
  const mark = state.marks.pop();
  if (mark === undefined) throw new PickleError('there is no mark where one is needed');
  return state.stack.splice(mark);
}
