import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { WEIGHT_GLOBALS } from '#core/checkpoint/pickle/allowed-globals.js';
import { unpickle } from '#core/checkpoint/pickle/machine.js';
import { readPickle, readTorch } from '#core/checkpoint/pickle/torch-pickle.js';
import { bytesOf, global, int, pickle, text, torchFile, uint32 } from './pickle-assembler.js';
import { useTemporaryFolders } from '../../temporary-folder.js';

const temporaryFolder = useTemporaryFolders();
const MARKER = 'touch /tmp/mae-tasks-was-here';

const call = (module: string, name: string): Uint8Array => pickle(global(module, name), '(', text(MARKER), 'tR');
const stackGlobal = (module: string, name: string): Uint8Array =>
  pickle(text(module), text(name), 0x93, '(', text(MARKER), 'tR');
const namespace = bytesOf(global('argparse', 'Namespace'), ')', 0x81);

const hostile: ReadonlyArray<readonly [attack: string, bytes: Uint8Array, message: RegExp]> = [
  ['os.system', call('os', 'system'), /`os\.system`, which is not on the list/],
  ['posix.system through STACK_GLOBAL', stackGlobal('posix', 'system'), /`posix\.system`/],
  ['builtins.eval', call('builtins', 'eval'), /`builtins\.eval`/],
  ['__builtin__.exec', call('__builtin__', 'exec'), /`__builtin__\.exec`/],
  ['builtins.getattr', call('builtins', 'getattr'), /`builtins\.getattr`/],
  ['subprocess.Popen', call('subprocess', 'Popen'), /`subprocess\.Popen`/],
  ['torch.hub.load', call('torch.hub', 'load'), /`torch\.hub\.load`/],
  ['torch.load', call('torch', 'load'), /`torch\.load`/],
  ['torch.storage._load_from_bytes', call('torch.storage', '_load_from_bytes'), /`torch\.storage\._load_from_bytes`/],
  ['numpy.load', call('numpy', 'load'), /`numpy\.load`/],
  ['a dotted name', stackGlobal('collections', 'OrderedDict.__init__.__globals__'), /OrderedDict\.__init__/],
  ['a name of Object.prototype', call('constructor', 'prototype'), /`constructor\.prototype`/],
  ['a module with a space', call('collections OrderedDict', ''), /not on the list/],
  [
    'a call of Namespace',
    pickle(global('argparse', 'Namespace'), '(', text(MARKER), 'tR'),
    /calls argparse\.Namespace/,
  ],
  ['a call of a Namespace object', pickle(namespace, ')R'), /calls argparse\.Namespace/],
  ['a call of a storage type', pickle(global('torch', 'FloatStorage'), ')R'), /calls torch\.FloatStorage/],
  ['a call of numpy.ndarray', pickle(global('numpy', 'ndarray'), ')R'), /calls numpy\.ndarray/],
  ['a call of a string', pickle(text('os.system'), ')R'), /calls a string/],
  [
    'NEWOBJ of an allowed function',
    pickle(global('collections', 'OrderedDict'), ')', 0x81),
    /calls collections\.OrderedDict/,
  ],
  ['NEWOBJ_EX with keywords', pickle(global('argparse', 'Namespace'), ')}(', text('a'), 'K', 1, 'u', 0x92), /keyword/],
  ['arguments that are no tuple', pickle(global('collections', 'OrderedDict'), ']R'), /is given a list/],
  ['OrderedDict of items', pickle(global('collections', 'OrderedDict'), ']', 0x85, 'R'), /made with arguments/],
  ['state set on a global', pickle(global('torch', 'FloatStorage'), '}b'), /state is set on torch\.FloatStorage/],
  ['state set on a list', pickle(']}b'), /state is set on a list/],
  ['INST', bytesOf(0x80, 2, '(ios\nsystem\n.'), /opcode 0x69 .* not allowed/],
  ['OBJ', bytesOf(0x80, 2, '(', global('argparse', 'Namespace'), 'o.'), /opcode 0x6f/],
  ['an extension code', pickle(0x82, 1), /opcode 0x82/],
  ['a text persistent id', bytesOf(0x80, 2, 'P0\n.'), /opcode 0x50/],
  ['protocol 6', bytesOf(0x80, 6, 'N.'), /protocol 6 is not supported/],
  ['protocol 0', bytesOf('(lp0\n.'), /opcode 0x70/],
  ['a storage outside of a torch file', pickle(text('0'), 'Q'), /outside of the pickle|unknown way/],
];

const damaged: ReadonlyArray<readonly [fault: string, bytes: Uint8Array, message: RegExp]> = [
  ['nothing', new Uint8Array(0), /cut off/],
  ['no STOP', bytesOf(0x80, 2, '}'), /cut off/],
  ['a text longer than the file', pickle('X', uint32(0xffffffff), 'abc'), /cut off/],
  ['bytes of 2^63', pickle(0x8e, uint32(0), uint32(0x80000000)), /cut off/],
  ['an integer of 2 GB', pickle(0x8b, uint32(0x7fffffff)), /integer of 2147483647 bytes/],
  ['a global without an end', pickle('cos'), /cut off/],
  ['text that is not UTF-8', pickle('X', uint32(1), 0xff), /not valid/],
  ['an empty stack', pickle('0'), /stack is empty/],
  ['a value taken from below a mark', pickle('N(0t'), /stack is empty/],
  ['a tuple without a mark', pickle('t'), /no mark/],
  ['a key without a value', pickle('}(', text('a'), 'u'), /key has no value/],
  ['items set on a list', pickle('](', text('a'), 'Nu'), /items are set on a list/],
  ['items appended to a dictionary', pickle('}Na'), /appended to a dictionary/],
  ['a value never remembered', pickle('h', 5), /value 5 is recalled/],
  ['values left over', pickle('NN'), /1 values are left over/],
  ['too many values', pickle(new Uint8Array(1_000_002).fill(0x4e)), /more than 1000000 values/],
  ['too many marks', pickle('('.repeat(10_001)), /more than 10000 open marks/],
];

describe('hostile pickles', () => {
  it.each(hostile)('are refused with the name of what they want: %s', async (_attack, bytes, message) => {
    const folder = await temporaryFolder();
    const [plain, torch] = [join(folder, 'a.pkl'), join(folder, 'a.pth')];
    await writeFile(plain, bytes);
    await writeFile(torch, torchFile(bytes));
    for (const refusal of [readPickle(plain), readTorch(torch)]) {
      await expect(refusal).rejects.toMatchObject({ code: 'CHECKPOINT_INVALID' });
      await expect(refusal).rejects.toThrow(message);
    }
  });

  it.each(damaged)('are refused when damaged: %s', (_fault, bytes, message) => {
    expect(() => unpickle(bytes, { globals: WEIGHT_GLOBALS })).toThrow(message);
  });

  it('costs no memory for a far memo index', () => {
    const { value } = unpickle(pickle('}r', uint32(0xfffffff0), 'j', uint32(0xfffffff0), '0'), {
      globals: WEIGHT_GLOBALS,
    });
    expect(value).toEqual(new Map());
  });

  it('costs no stack for deep nesting, nor time for lists that contain themselves', () => {
    const deep = pickle(']'.repeat(100_000), 'a'.repeat(99_999));
    expect(unpickle(deep, { globals: WEIGHT_GLOBALS }).value).toHaveLength(1);
    const doubled = pickle(text('x'), ...new Array<Uint8Array>(2000).fill(bytesOf('2', 0x86)));
    expect(unpickle(doubled, { globals: WEIGHT_GLOBALS }).value).toMatchObject({ kind: 'tuple' });
    const own = pickle(']q', 0, 'h', 0, 'a');
    const { value } = unpickle(own, { globals: WEIGHT_GLOBALS });
    expect((value as unknown[])[0]).toBe(value);
  });

  it('cannot pollute a prototype', async () => {
    const path = join(await temporaryFolder(), 'a.pkl');
    await writeFile(path, pickle('}(', text('__proto__'), '}(', text('polluted'), 'K', 1, 'uu'));
    await expect(readPickle(path)).rejects.toThrow(/no weights/);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  it('leave the arguments of a script as an inert record', () => {
    const bytes = pickle(namespace, '}(', text('lr'), int(3), 'ub');
    expect(unpickle(bytes, { globals: WEIGHT_GLOBALS }).value).toEqual({
      kind: 'record',
      type: 'argparse.Namespace',
      state: new Map([['lr', 3]]),
    });
  });
});
