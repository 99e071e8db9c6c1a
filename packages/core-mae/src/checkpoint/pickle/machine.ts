import { cursorAt, readByte } from './byte-cursor.js';
import { CONTAINER_OPCODES, OPCODES } from './opcodes.js';
import { type MachineState, PickleError, type PickleRules, pop } from './stack.js';
import type { PickleValue } from './values.js';

const STOP = 0x2e;
/** Bounds on memory: a pickle from torch or NumPy stays far below them. */
const MAX_STACK = 1_000_000;
const MAX_MARKS = 10_000;
const MAX_MEMO = 2_000_000;
/** Bounds on time, and on what values take that are long off the stack: numbers of one byte each become objects. */
const MAX_OPCODES = 5_000_000;
const MAX_CONTAINERS = 1_000_000;

/**
 * The value of a pickle (protocols 2 to 5), and the position after it. It is read as data: an allow-list decides which
 * globals may occur, and everything else is refused by name.
 *
 * @throws PickleError naming the global or the opcode
 */
export function unpickle(bytes: Uint8Array, rules: PickleRules, start = 0): { value: PickleValue; end: number } {
  const state: MachineState = { cursor: cursorAt(bytes, start), rules, stack: [], marks: [], memo: new Map() };
  let [numOpcodes, numContainers] = [0, 0];
  const { cursor, stack, marks, memo } = state;
  try {
    for (let code = readByte(cursor); code !== STOP; code = readByte(cursor)) {
      const opcode = OPCODES.get(code);
      if (opcode === undefined)
        throw new PickleError(`opcode 0x${hex(code)} at byte ${cursor.position - 1} is not allowed`);
      if (++numOpcodes > MAX_OPCODES) throw new PickleError(`more than ${MAX_OPCODES} operations`);
      if (CONTAINER_OPCODES.has(code) && ++numContainers > MAX_CONTAINERS) {
        throw new PickleError(`more than ${MAX_CONTAINERS} lists, dictionaries, tuples and objects`);
      }
      opcode(state);
      if (stack.length > MAX_STACK) throw new PickleError(`more than ${MAX_STACK} values on the stack`);
      if (marks.length > MAX_MARKS) throw new PickleError(`more than ${MAX_MARKS} open marks`);
      if (memo.size > MAX_MEMO) throw new PickleError(`more than ${MAX_MEMO} remembered values`);
    }
  } catch (error) {
    // Cut off (RangeError) or text that is not UTF-8 (TypeError).
    if (!(error instanceof RangeError) && !(error instanceof TypeError)) throw error;
    throw new PickleError(`${error.message} (at byte ${cursor.position})`, { cause: error });
  }
  const value = pop(state);
  if (stack.length > 0) throw new PickleError(`${stack.length} values are left over at its end`);
  return { value, end: cursor.position };
}

function hex(code: number): string {
  return code.toString(16).padStart(2, '0');
}
