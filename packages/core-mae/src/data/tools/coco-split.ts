import type { Random } from '../../contracts/random.js';
import { MaeError } from '../../base/errors.js';
import { existsSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import { createFolder, writeFileAtomically } from '../../base/atomic-write.js';
import { type ByteSource, openFileSource, withFileSource } from '../coco/byte-source.js';
import { byCodeUnit } from '../../base/listing.js';
import { numberOfText } from '../coco/identifiers.js';
import { JsonReader } from '../coco/json-reader.js';

export interface SplitOptions {
  /** Share of the pictures that goes to validation, 0 < fraction < 1. */
  readonly fraction: number;
  readonly random: Random;
  /** Paths of the two files to write. */
  readonly train: string;
  readonly val: string;
}

export interface SplitResult {
  readonly train: SplitCount;
  readonly val: SplitCount;
}

export interface SplitCount {
  readonly images: number;
  readonly annotations: number;
}

/**
 * Splits an annotation file in two by pictures, at random by the seed. Every entry is copied as it stands, with all its
 * keys; pictures stay where they are. Annotations of pictures that the file does not list go to training.
 *
 * @throws MaeError `CONFIG_INVALID` for a fraction that leaves a side empty, `ANNOTATION_INVALID`, `WRITE_FAILED`, also
 * where a part would replace the file that is split
 */
export async function splitCoco(file: string, { fraction, random, train, val }: SplitOptions): Promise<SplitResult> {
  for (const path of [train, val]) {
    if (existsSync(path) && existsSync(file) && realpathSync(path) === realpathSync(file)) {
      throw new MaeError('WRITE_FAILED', {
        what: 'a part would replace the file that is split',
        where: path,
        fix: 'name another folder with --out, or call the file otherwise',
      });
    }
  }
  const ids = readImageIds(file);
  const numVal = Math.max(1, Math.round(ids.length * fraction));
  if (!(fraction > 0 && fraction < 1 && numVal < ids.length)) {
    throw new MaeError('CONFIG_INVALID', {
      what: `a fraction (=${fraction}) of ${ids.length} pictures cannot be split off`,
      where: file,
      fix: 'give a share between 0 and 1 that leaves pictures on both sides',
    });
  }
  // By id and not by place, so that the order of the file's entries does not matter.
  ids.sort((a, b) => (typeof a === 'number' && typeof b === 'number' ? a - b : byCodeUnit(String(a), String(b))));
  const order = random.fork('split').permutation(ids.length);
  const valIds = new Set<Id>(Array.from(order.subarray(0, numVal), (place) => ids[place]!));
  return {
    train: await writeSide(file, train, (id) => !valIds.has(id)),
    val: await writeSide(file, val, (id) => valIds.has(id)),
  };
}

/** As the file has it; a text that is a number stands for that number. */
type Id = number | string | undefined;

function readImageIds(file: string): Id[] {
  const ids: Id[] = [];
  withFileSource(file, (source) => {
    const reader = new JsonReader(source, file);
    reader.readObject((key) => {
      if (key === 'images') reader.readArray(() => ids.push(idIn(reader.readRaw(), 'id')));
      else reader.skipValue();
    });
  });
  return ids;
}

function idIn(raw: Uint8Array, key: 'id' | 'image_id'): Id {
  const record = JSON.parse(Buffer.from(raw).toString()) as Readonly<Record<string, unknown>> | null;
  const id = record?.[key];
  if (typeof id === 'string') return numberOfText(id) ?? id;
  return typeof id === 'number' ? id : undefined;
}

async function writeSide(file: string, path: string, takes: (imageId: Id) => boolean): Promise<SplitCount> {
  const counts = { images: 0, annotations: 0 };
  await createFolder(dirname(path));
  const source = openFileSource(file);
  try {
    await writeFileAtomically(path, sideText(source, file, takes, counts));
  } finally {
    source.close();
  }
  return counts;
}

/** @param counts is added to */
function* sideText(
  source: ByteSource,
  file: string,
  takes: (imageId: Id) => boolean,
  counts: { images: number; annotations: number },
): Generator<string> {
  const reader = new JsonReader(source, file);
  let separator = '{';
  for (const key of reader.members()) {
    yield `${separator}${JSON.stringify(key)}: `;
    separator = ',\n';
    if (key !== 'images' && key !== 'annotations') {
      yield Buffer.from(reader.readRaw()).toString();
      continue;
    }
    let between = '[';
    for (const raw of reader.rawElements()) {
      if (!takes(idIn(raw, key === 'images' ? 'id' : 'image_id'))) continue;
      counts[key]++;
      yield between + Buffer.from(raw).toString();
      between = ',\n';
    }
    yield between === '[' ? '[]' : ']';
  }
  reader.finish();
  yield separator === '{' ? '{}\n' : '}\n';
}
