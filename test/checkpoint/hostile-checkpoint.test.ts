import { spawn } from 'node:child_process';
import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import {
  bytesOf,
  dictionary,
  floats,
  pickle,
  tensor,
  text,
  uint32,
  zip,
  torchFile,
} from './pickle/pickle-assembler.js';
import { useTemporaryFolders } from '../temporary-folder.js';

const temporaryFolder = useTemporaryFolders();
const reader = fileURLToPath(new URL('read-weights.ts', import.meta.url));

/** Limits that an honest file stays far below, and a file that is a bomb does not. */
const SECONDS = 20;
const MEGABYTES = 1200;

/** How a process of its own ends that opens a checkpoint. */
async function opened(path: string): Promise<{ readonly words: string; readonly megabytes: number }> {
  const args = ['--import', 'tsx', '--max-old-space-size=1000', reader, path];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const timer = setTimeout(() => child.kill('SIGKILL'), SECONDS * 1000);
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const status = await new Promise((resolve) => child.on('close', (code, signal) => resolve(signal ?? code)));
  clearTimeout(timer);
  expect(status, err.slice(0, 2000)).toBe(0);
  return JSON.parse(out) as { words: string; megabytes: number };
}

const header = (json: string, data = 0): Uint8Array => {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return bytesOf(length, json, Buffer.alloc(data));
};
const empty = (count: number): string =>
  `{${Array.from({ length: count }, (_, i) => `"t${i}":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}`).join(',')}}`;
const described = (shapes: Readonly<Record<string, number[]>>): Uint8Array => {
  let end = 0;
  const entries = Object.entries(shapes).map(([name, shape]) => {
    const begin = end;
    end += 4 * shape.reduce((product, size) => product * size, 1);
    return [name, { dtype: 'F32', shape, data_offsets: [begin, end] }] as const;
  });
  return header(JSON.stringify(Object.fromEntries(entries)), end);
};

const files: ReadonlyArray<readonly [attack: string, make: () => Uint8Array, words: RegExp]> = [
  ['a header of 90 MB', () => header(empty(1_500_000)), /its header would have \d+ bytes/],
  ['half a million empty tensors', () => header(empty(400_000)), /describes 400000 tensors/],
  ['a header of open objects', () => header('{"a":'.repeat(5_000_000)), /nested deeper/],
  ['a header of open lists', () => header(`{"a":${'['.repeat(30_000_000)}`), /nested deeper/],
  [
    'a shape of six million dimensions',
    () => header(`{"a":{"dtype":"F32","shape":[${'1,'.repeat(6_000_000)}1],"data_offsets":[0,4]}}`, 4),
    /too long shapes|dimensions/,
  ],
  [
    'a name of 30 MB',
    () => header(`{"${'n'.repeat(30_000_000)}":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 4),
    /30000000 characters/,
  ],
  [
    'two tensors of one name',
    () =>
      header(
        '{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"\\u0061":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}',
      ),
    /`a` occurs twice/,
  ],
  [
    'a small file of a huge model',
    () =>
      described({
        'patch_embed.proj.weight': [200_000, 1, 1, 1],
        pos_embed: [1, 2, 200_000],
        'blocks.0.mlp.fc1.weight': [1, 200_000],
        'norm.weight': [1],
      }),
    /blocks of width 200000/,
  ],
  [
    'a position table of nothing by a trillion',
    () => described({ 'patch_embed.proj.weight': [4, 1, 1, 1], pos_embed: [0, 1e12, 4], 'norm.weight': [4] }),
    /`pos_embed` has shape \[0, 1000000000000, 4\]/,
  ],
  [
    'ten thousand names of blocks',
    () => {
      const names = Array.from({ length: 10_000 }, (_, block) => [`blocks.${2 * block}.norm1.weight`, [0]] as const);
      const first = {
        'patch_embed.proj.weight': [4, 1, 1, 1],
        pos_embed: [1, 2, 4],
        'blocks.0.mlp.fc1.weight': [4, 4],
      };
      return described({ ...first, ...Object.fromEntries(names) });
    },
    /block `blocks\.1` is missing, though there is `blocks\.2`/,
  ],
  [
    'dictionaries without end',
    () => pickle(`](${'}'.repeat(900_000)}e0`.repeat(40), 'N'),
    /more than 1000000 lists, dictionaries/,
  ],
  [
    'numbers without end',
    () => pickle(`](${'K\x01'.repeat(900_000)}e0`.repeat(30), 'N'),
    /more than 5000000 operations/,
  ],
  [
    'lists that lie a million deep',
    () => pickle('}', text('model'), ']'.repeat(900_000), 'a'.repeat(899_999), 's'),
    /no weights/,
  ],
  [
    'integers of 255 bytes without end',
    () =>
      pickle(Buffer.concat(new Array<Uint8Array>(200_000).fill(bytesOf(0x8a, 255, Buffer.alloc(255, 0x55), '0'))), 'N'),
    /holds None/,
  ],
  [
    'a name of 60 MB in a pickle',
    () => pickle('}X', uint32(60_000_000), Buffer.alloc(60_000_000, 0x61), 'Ns'),
    /aaa… \(60000000 characters\) \(None\)/,
  ],
  [
    'a global of 50 MB',
    () => pickle(`c${'m'.repeat(50_000_000)}\nname\n`),
    /m… \(50000005 characters\)`, which is not on/,
  ],
  [
    'a hundred thousand tensors of one storage',
    () => {
      const one = tensor('0', 1, 0, [1], [1]);
      // Remembered once and recalled under each name.
      const names = Array.from({ length: 150_000 }, (_, index) => bytesOf(text(`t${index}`), 'h', 9));
      return torchFile(pickle(one, 'q', 9, '0}(', Buffer.concat(names), 'u'), { 0: floats(1) });
    },
    /150000 tensors \(at most 100000\)/,
  ],
  [
    'dictionaries within dictionaries',
    () => pickle(...new Array<Uint8Array>(50_000).fill(bytesOf('}', text('a'))), dictionary({}), 's'.repeat(50_000)),
    /no weights/,
  ],
  ['a gzip bomb', () => gzipSync(Buffer.alloc(100_000_000)), /neither safetensors nor a torch file/],
  [
    'a zip of too many records',
    () => zip(Array.from({ length: 40_000 }, (_, index) => ({ name: `a/${index}`, bytes: new Uint8Array(0) }))),
    /40000 records/,
  ],
  [
    'a zip entry that claims four gigabytes',
    () => zip([{ name: 'a/data.pkl', bytes: pickle('}'), claimedSize: 0xfffffff0 }]),
    /damaged|not a torch checkpoint|has 4294967280 bytes/,
  ],
  [
    'a deflated zip bomb',
    () => zip([{ name: 'a/data.pkl', bytes: gzipSync(Buffer.alloc(50_000_000)), method: 8, claimedSize: 50_000_000 }]),
    /compressed/,
  ],
];

/** A process each: some in the ordinary suite, which reads bombs of checkpoints in one process too (`test/hostile`). */
const someFiles = process.env.MAE_TASKS_FULL === '1' ? files : files.filter((_, index) => index % 4 === 0);

describe('a hostile checkpoint', () => {
  it.each(someFiles)('is refused in little time and memory: %s', { timeout: 60_000 }, async (_attack, make, words) => {
    const path = join(await temporaryFolder(), 'weights');
    await writeFile(path, make());
    const result = await opened(path);
    expect(result.words).toMatch(words);
    expect(result.words.length).toBeLessThan(2000);
    expect(result.megabytes).toBeLessThan(MEGABYTES);
  });

  it.each([
    ['a pickle', bytesOf(0x80, 4, ']')],
    ['a tensor', header(`{"a":{"dtype":"U8","shape":[${2 ** 41 - 100}],"data_offsets":[0,${2 ** 41 - 100}]}}`)],
  ])('of more than all memory is refused before it is read: %s', { timeout: 60_000 }, async (_what, beginning) => {
    const path = join(await temporaryFolder(), 'weights');
    await writeFile(path, beginning);
    // A hole takes no room on the disk.
    await truncate(path, beginning[8] === 0x7b ? beginning.length + 2 ** 41 - 100 : 2 ** 41);
    expect((await opened(path)).words).toMatch(/more than this machine's memory/);
  });
});
