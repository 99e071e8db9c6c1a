import {
  readByte,
  readFloat64,
  readInt32,
  readLatin1,
  readLine,
  readLong,
  readText,
  readUint16,
  readUint32,
  readUint64,
  take,
} from './byte-cursor.js';
import { shortName } from '../files/checkpoint-file.js';
import { setState } from './object-state.js';
import { type GlobalRule, type MachineState, PickleError, pop, popMarked, top } from './stack.js';
import { describe, isKind, type PickleValue } from './values.js';

export type Opcode = (state: MachineState) => void;

const HIGHEST_PROTOCOL = 5;
/** Integers in checkpoints are counters and states of generators. */
const MAX_LONG_BYTES = 1024;

/** Pushes what it reads behind the opcode. */
function literal(read: (cursor: MachineState['cursor']) => PickleValue): Opcode {
  return (state) => state.stack.push(read(state.cursor));
}

/** Replaces the topmost values, deepest first. */
function tupleOf(count: number): Opcode {
  return (state) => {
    const items: PickleValue[] = [];
    for (let i = 0; i < count; i++) items.unshift(pop(state));
    state.stack.push({ kind: 'tuple', items });
  };
}

const remember =
  (readIndex: (state: MachineState) => number): Opcode =>
  (state) =>
    state.memo.set(readIndex(state), top(state));

const recall =
  (readIndex: (cursor: MachineState['cursor']) => number): Opcode =>
  (state) => {
    const index = readIndex(state.cursor);
    const value = state.memo.get(index);
    if (value === undefined) throw new PickleError(`value ${index} is recalled before it is remembered`);
    state.stack.push(value);
  };

function long(state: MachineState, length: number): void {
  if (length > MAX_LONG_BYTES) throw new PickleError(`an integer of ${length} bytes`);
  state.stack.push(readLong(state.cursor, length));
}

function appendTo(list: PickleValue, items: readonly PickleValue[]): void {
  if (!Array.isArray(list)) throw new PickleError(`items are appended to ${describe(list)}`);
  for (const item of items) list.push(item);
}

function setItems(dictionary: PickleValue, pairs: readonly PickleValue[]): void {
  if (!(dictionary instanceof Map)) throw new PickleError(`items are set on ${describe(dictionary)}`);
  if (pairs.length % 2 !== 0) throw new PickleError('a key has no value');
  for (let i = 0; i < pairs.length; i += 2) dictionary.set(pairs[i]!, pairs[i + 1]!);
}

function makeDictionary(state: MachineState): void {
  const dictionary = new Map<PickleValue, PickleValue>();
  setItems(dictionary, popMarked(state));
  state.stack.push(dictionary);
}

function appendOne(state: MachineState): void {
  const item = pop(state);
  appendTo(top(state), [item]);
}

function appendMarked(state: MachineState): void {
  const items = popMarked(state);
  appendTo(top(state), items);
}

function setOne(state: MachineState): void {
  const value = pop(state);
  const key = pop(state);
  setItems(top(state), [key, value]);
}

function setMarked(state: MachineState): void {
  const pairs = popMarked(state);
  setItems(top(state), pairs);
}

function setTopState(state: MachineState): void {
  const content = pop(state);
  setState(top(state), content);
}

function stackGlobal(state: MachineState): void {
  const name = pop(state);
  const module = pop(state);
  if (typeof module !== 'string' || typeof name !== 'string') throw new PickleError('a global without a name');
  pushGlobal(state, module, name);
}

function pushGlobal(state: MachineState, module: string, name: string): void {
  const qualified = `${module} ${name}`;
  if (!state.rules.globals.has(qualified)) {
    throw new PickleError(
      `it refers to \`${shortName(`${module}.${name}`)}\`, which is not on the list of what weights may hold`,
    );
  }
  state.stack.push({ kind: 'global', name: qualified });
}

/** Builds a value by the rule of an allowed global: `REDUCE` and `NEWOBJ`. */
function build(state: MachineState, way: keyof GlobalRule): void {
  const args = pop(state);
  const target = pop(state);
  const rule = isKind(target, 'global') ? state.rules.globals.get(target.name)?.[way] : undefined;
  if (rule === undefined) throw new PickleError(`it calls ${describe(target)}, which is not allowed`);
  if (!isKind(args, 'tuple')) throw new PickleError(`${describe(target)} is given ${describe(args)}, not a tuple`);
  state.stack.push(rule(args.items));
}

/** `NEWOBJ_EX` with keyword arguments, which no allowed type takes. */
function newObjectWithKeywords(state: MachineState): void {
  const keywords = pop(state);
  if (!(keywords instanceof Map) || keywords.size > 0)
    throw new PickleError('an object is made with keyword arguments');
  build(state, 'newObject');
}

function persistent(state: MachineState): void {
  const id = pop(state);
  const { persistentValue } = state.rules;
  if (persistentValue === undefined) throw new PickleError('it refers to data outside of the pickle');
  state.stack.push(persistentValue(id));
}

function checkProtocol({ cursor }: MachineState): void {
  const protocol = readByte(cursor);
  if (protocol < 2 || protocol > HIGHEST_PROTOCOL) {
    throw new PickleError(`pickle protocol ${protocol} is not supported (2 to ${HIGHEST_PROTOCOL} are)`);
  }
}

/**
 * The opcodes of binary pickles (Python's Lib/pickletools.py describes each). Left out, and so refused: those of
 * protocols 0 and 1 that are text or classes (`INST`, `OBJ`, `PERSID` …), extensions (`EXT1` …) and buffers outside of
 * the pickle.
 */
export const OPCODES: ReadonlyMap<number, Opcode> = new Map<number, Opcode>([
  [0x80, checkProtocol], // PROTO
  [0x95, ({ cursor }) => void readUint64(cursor)], // FRAME: the length only helps buffering

  [0x28, ({ marks, stack }) => void marks.push(stack.length)], // MARK
  [0x30, (state) => void pop(state)], // POP
  [0x31, (state) => void popMarked(state)], // POP_MARK
  [0x32, (state) => void state.stack.push(top(state))], // DUP

  [0x4e, literal(() => null)], // NONE
  [0x88, literal(() => true)], // NEWTRUE
  [0x89, literal(() => false)], // NEWFALSE
  [0x4a, literal(readInt32)], // BININT
  [0x4b, literal(readByte)], // BININT1
  [0x4d, literal(readUint16)], // BININT2
  [0x8a, (state) => long(state, readByte(state.cursor))], // LONG1
  [0x8b, (state) => long(state, readUint32(state.cursor))], // LONG4
  [0x47, literal(readFloat64)], // BINFLOAT

  [0x55, literal((cursor) => readLatin1(cursor, readByte(cursor)))], // SHORT_BINSTRING
  [0x54, literal((cursor) => readLatin1(cursor, readUint32(cursor)))], // BINSTRING
  [0x8c, literal((cursor) => readText(cursor, readByte(cursor)))], // SHORT_BINUNICODE
  [0x58, literal((cursor) => readText(cursor, readUint32(cursor)))], // BINUNICODE
  [0x8d, literal((cursor) => readText(cursor, readUint64(cursor)))], // BINUNICODE8
  [0x43, literal((cursor) => take(cursor, readByte(cursor)))], // SHORT_BINBYTES
  [0x42, literal((cursor) => take(cursor, readUint32(cursor)))], // BINBYTES
  [0x8e, literal((cursor) => take(cursor, readUint64(cursor)))], // BINBYTES8
  [0x96, literal((cursor) => take(cursor, readUint64(cursor)))], // BYTEARRAY8

  [0x5d, literal(() => [])], // EMPTY_LIST
  [0x8f, literal(() => [])], // EMPTY_SET: nothing here asks whether a list is a set
  [0x7d, literal(() => new Map())], // EMPTY_DICT
  [0x29, tupleOf(0)], // EMPTY_TUPLE
  [0x85, tupleOf(1)], // TUPLE1
  [0x86, tupleOf(2)], // TUPLE2
  [0x87, tupleOf(3)], // TUPLE3
  [0x74, (state) => void state.stack.push({ kind: 'tuple', items: popMarked(state) })], // TUPLE
  [0x6c, (state) => void state.stack.push(popMarked(state))], // LIST
  [0x91, (state) => void state.stack.push(popMarked(state))], // FROZENSET
  [0x64, makeDictionary], // DICT
  [0x61, appendOne], // APPEND
  [0x65, appendMarked], // APPENDS
  [0x90, appendMarked], // ADDITEMS
  [0x73, setOne], // SETITEM
  [0x75, setMarked], // SETITEMS

  [0x68, recall(readByte)], // BINGET
  [0x6a, recall(readUint32)], // LONG_BINGET
  [0x71, remember(({ cursor }) => readByte(cursor))], // BINPUT
  [0x72, remember(({ cursor }) => readUint32(cursor))], // LONG_BINPUT
  [0x94, remember(({ memo }) => memo.size)], // MEMOIZE

  [0x63, (state) => pushGlobal(state, readLine(state.cursor), readLine(state.cursor))], // GLOBAL
  [0x93, stackGlobal], // STACK_GLOBAL
  [0x52, (state) => build(state, 'reduce')], // REDUCE
  [0x81, (state) => build(state, 'newObject')], // NEWOBJ
  [0x92, newObjectWithKeywords], // NEWOBJ_EX
  [0x62, setTopState], // BUILD
  [0x51, persistent], // BINPERSID
]);

/** The opcodes that make a value which holds others, an object or a view of bytes. */
export const CONTAINER_OPCODES: ReadonlySet<number> = new Set([
  ...[0x43, 0x42, 0x8e, 0x96, 0x5d, 0x8f, 0x7d, 0x29, 0x85, 0x86, 0x87, 0x74, 0x6c, 0x91, 0x64, 0x63, 0x93],
  ...[0x52, 0x81, 0x92, 0x51],
]);
