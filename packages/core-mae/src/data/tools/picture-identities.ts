import { realpathSync } from 'node:fs';
import { basename } from 'node:path';
import type { PictureIdentity } from '../../contracts/task.js';
import { cocoDataset } from '../readers/coco-instances.js';
import { cocoSplits } from '../readers/coco-layout.js';

/**
 * What the annotation files of a COCO data set call pictures: by a picture's path, or by its base name where only one
 * picture of the data set has it. Undefined for a picture that no file lists.
 *
 * @param path of the data set or of its annotation file
 * @throws MaeError as `cocoDataset`
 */
export function pictureIdentities(path: string): (picture: string) => PictureIdentity | undefined {
  const splits = cocoSplits(path);
  const byPath = new Map<string, PictureIdentity>();
  const byName = new Map<string, PictureIdentity | undefined>();
  for (const split of splits.length === 0 ? [undefined] : splits) {
    // Faults of the annotations are no matter here: only ids and names are used.
    const options = { reportFault: () => undefined, ...(split === undefined ? {} : { split }) };
    const { annotations, paths } = cocoDataset(path, options);
    const { ids, fileNames, texts } = annotations.images;
    for (const [image, place] of paths.entries()) {
      if (place === undefined) continue;
      const id = ids[image]!;
      const identity = { imageId: texts?.get(id) ?? id, fileName: fileNames[image]! };
      byPath.set(realpathSync(place), identity);
      const name = basename(place).normalize('NFC');
      byName.set(name, byName.has(name) ? undefined : identity);
    }
  }
  return (picture) => byPath.get(realpathSync(picture)) ?? byName.get(basename(picture).normalize('NFC'));
}
