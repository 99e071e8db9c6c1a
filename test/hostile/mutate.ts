import type { Random } from '#core/contracts/random.js';

/** Whole numbers that programs stumble over, as they stand in texts. */
const NUMBERS = ['0', '-1', '1e999', '-1e999', '4294967296', '9007199254740993', '0.1', 'NaN', 'Infinity', '1e-400'];
const TEXTS = [
  'null',
  'true',
  '""',
  '[]',
  '{}',
  '"\\u0000"',
  '"__proto__"',
  '"../../etc/passwd"',
  '[[[]]]',
  '"\ud800"',
];

/** A file with something wrong in it: the same for the same random numbers. */
export function mutantOf(bytes: Uint8Array, isText: boolean, random: Random): Uint8Array {
  let mutant: Bytes = Buffer.from(bytes);
  const times = 1 + random.integer(3);
  const ways = isText ? [...BYTE_WAYS, ...TEXT_WAYS, ...TEXT_WAYS] : BYTE_WAYS;
  for (let i = 0; i < times && mutant.length > 0; i++) mutant = ways[random.integer(ways.length)]!(mutant, random);
  return mutant;
}

type Bytes = Buffer<ArrayBuffer>;
type Way = (bytes: Bytes, random: Random) => Bytes;

const place = (bytes: Bytes, random: Random): number => random.integer(bytes.length);
/** Headers are where sizes and counts are. */
const early = (bytes: Bytes, random: Random): number => random.integer(Math.min(bytes.length, 64));

const BYTE_WAYS: readonly Way[] = [
  // Cut off.
  (bytes, random) => bytes.subarray(0, place(bytes, random)),
  // One bit.
  (bytes, random) => {
    const copy = Buffer.from(bytes);
    const at = place(copy, random);
    copy[at]! ^= 1 << random.integer(8);
    return copy;
  },
  (bytes, random) => {
    const copy = Buffer.from(bytes);
    const at = early(copy, random);
    copy[at]! ^= 1 << random.integer(8);
    return copy;
  },
  // A number that is as large as it can be, or nothing.
  (bytes, random) => {
    const copy = Buffer.from(bytes);
    const at = random.integer(2) === 0 ? early(copy, random) : place(copy, random);
    copy.fill(random.integer(2) === 0 ? 0xff : 0, at, Math.min(copy.length, at + (1 << random.integer(4))));
    return copy;
  },
  // A part of it twice, or in another place, or not at all.
  (bytes, random) => {
    const [from, to] = [place(bytes, random), place(bytes, random)].sort((a, b) => a - b) as [number, number];
    return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from, to), bytes.subarray(to)]);
  },
  (bytes, random) => {
    const [from, to] = [place(bytes, random), place(bytes, random)].sort((a, b) => a - b) as [number, number];
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
  },
  // Noise behind it, or in front.
  (bytes, random) => {
    const noise = Buffer.from(Uint8Array.from({ length: 1 + random.integer(64) }, () => random.integer(256)));
    return random.integer(2) === 0 ? Buffer.concat([bytes, noise]) : Buffer.concat([noise, bytes]);
  },
];

const TEXT_WAYS: readonly Way[] = [
  (bytes, random) => replaceOne(bytes, /-?\d+(?:\.\d+)?/gu, NUMBERS[random.integer(NUMBERS.length)]!, random),
  (bytes, random) => replaceOne(bytes, /"[^"]*"|-?\d+(?:\.\d+)?/gu, TEXTS[random.integer(TEXTS.length)]!, random),
  (bytes, random) => replaceOne(bytes, /[[\]{}:,"<>/&\n]/gu, '[{<&:\n"'[random.integer(7)]!, random),
  (bytes, random) => replaceOne(bytes, /[[\]{}:,"<>/&\n]/gu, '', random),
  // Nested far deeper than anything means.
  (bytes, random) => {
    const deep = ['[', '{"a":', '<a>', '&a ['][random.integer(4)]!.repeat(1 + random.integer(3000));
    return replaceOne(bytes, /-?\d+(?:\.\d+)?|"[^"]*"/gu, deep, random);
  },
];

function replaceOne(bytes: Bytes, pattern: RegExp, by: string, random: Random): Bytes {
  const text = bytes.toString('utf8');
  const found = [...text.matchAll(pattern)];
  if (found.length === 0) return bytes;
  const { index, 0: old } = found[random.integer(found.length)]!;
  return Buffer.from(text.slice(0, index) + by + text.slice(index + old.length));
}
