import { readFile } from 'node:fs/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import { z } from 'zod';
import { writeFileAtomically } from '../../base/atomic-write.js';
import type { PictureNames } from '../loop/training-data.js';
import type { RunFolder } from './run-folder.js';

const schema = z.object({ train: z.array(z.string()), heldOut: z.array(z.string()) });

/** Far above the names of any data set; bounds what a small file can unfold to. */
const MAX_BYTES = 2 ** 30;

/** Writes which pictures a run has, so that it can say later which others there are. @throws MaeError `WRITE_FAILED` */
export async function writePictureNames({ pictures }: RunFolder, names: PictureNames): Promise<void> {
  await writeFileAtomically(pictures, gzipSync(JSON.stringify(names)));
}

/** The pictures that a run has; undefined where its folder does not say, or cannot be read. */
export async function readPictureNames({ pictures }: RunFolder): Promise<PictureNames | undefined> {
  try {
    const text = gunzipSync(await readFile(pictures), { maxOutputLength: MAX_BYTES }).toString('utf8');
    return schema.parse(JSON.parse(text));
  } catch {
    // Only a comparison depends on it, which then tells counts instead of names.
    return undefined;
  }
}
