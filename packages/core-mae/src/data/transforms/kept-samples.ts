import type { Item, Sample } from '../../contracts/dataset.js';
import type { Random } from '../../contracts/random.js';

/** Bytes of pixels that one thread keeps. */
const LIMIT = 256 * 2 ** 20;

interface Started {
  readonly sample: Sample;
  readonly warnings?: readonly string[];
}

/**
 * The same function, which keeps what it made of files as long as there is room, for pictures that come out the same
 * every time. What it gives are copies: arrays of samples are handed to other threads.
 */
export function keepingSamples(
  start: (item: Item, random: Random) => Promise<Started>,
  limit = LIMIT,
): (item: Item, random: Random) => Promise<Started> {
  const kept = new Map<string, Started>();
  let room = limit;
  return async (item, random) => {
    if (item.image.kind !== 'file') return start(item, random);
    const { path } = item.image;
    const known = kept.get(path);
    if (known !== undefined) return { ...known, sample: structuredClone(known.sample) };
    const made = await start(item, random);
    const { byteLength } = made.sample.pixels;
    if (byteLength <= room && !kept.has(path)) {
      kept.set(path, { ...made, sample: structuredClone(made.sample) });
      room -= byteLength;
    }
    return made;
  };
}
