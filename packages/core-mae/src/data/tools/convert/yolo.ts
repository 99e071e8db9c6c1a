import { join } from 'node:path';
import { readText } from '../../../base/decode-text.js';
import { MaeError } from '../../../base/errors.js';
import { openImage } from '../../images/image.js';
import { type ConvertedImage, type ConvertOptions, type ConvertResult, writeSplits } from './coco-document.js';
import { baseName, type DataSetFiles, openDataSetFiles } from './data-set-files.js';
import { createNotes, type Notes, someOf } from './notes.js';
import { readYoloDataFile } from './yolo-data-file.js';
import { createLabelReader, type LabelReader } from './yolo-labels.js';
import { labelFileOf, yoloSplits } from './yolo-splits.js';

/**
 * Writes COCO annotation files for a YOLO folder: `images/<split>` with `labels/<split>/*.txt`, `<split>/images` with
 * `<split>/labels`, or texts beside their pictures; splits as `data.yaml`, lists such as `train.txt` or the folders say;
 * class names from `data.yaml`, `classes.txt` or `obj.names`. A label line is a class and a box (centre and size) or an
 * outline, in shares of the picture; keypoints (`kpt_shape`) and confidences are passed over, and said. Pictures stay
 * where they are, and are named relative to `path`.
 *
 * @throws MaeError `DATA_NOT_FOUND`, `DATA_INVALID` naming the file and line, `WRITE_FAILED`
 */
export async function convertYolo(path: string, options: ConvertOptions = {}): Promise<ConvertResult> {
  const files = await openDataSetFiles(path, options.followLinks);
  const notes = createNotes();
  for (const warning of files.warnings) notes.add('links', warning);
  const data = readYoloDataFile(path, files, notes);
  const splits = yoloSplits(path, data, files, notes);
  const reader = createLabelReader(data, notes);
  const converted: Array<readonly [string, ConvertedImage[]]> = [];
  const used = new Map<string, string>();
  for (const [split, pictures] of Object.entries(splits)) {
    const images: ConvertedImage[] = [];
    for (const picture of pictures) {
      const labels = labelFileOf(picture, files);
      if (labels !== undefined) noteShared(used, labels, picture, notes);
      const image = await readPicture(path, picture, labels, reader, notes);
      if (image !== undefined) images.push(image);
    }
    converted.push([split, images]);
  }
  reader.finish();
  noteUnused(files, used, notes);
  const classes = [...data.names].sort(([a], [b]) => a - b).map(([index, name]) => ({ index, name }));
  return writeSplits(path, classes, converted, notes, options);
}

async function readPicture(
  path: string,
  picture: string,
  labels: string | undefined,
  reader: LabelReader,
  notes: Notes,
): Promise<ConvertedImage | undefined> {
  try {
    const { width, height } = await openImage({ kind: 'file', path: join(path, picture) });
    // A picture without a label file has no objects.
    const objects =
      labels === undefined ? [] : reader.read(readText(join(path, labels)), join(path, labels), { width, height });
    return { fileName: picture, width, height, objects };
  } catch (error) {
    if (!(error instanceof MaeError) || !error.code.startsWith('IMAGE_')) throw error;
    notes.add('pictures that cannot be read', `${picture}: left out, ${error.message}`);
    return undefined;
  }
}

/** @param used which picture each text belongs to; added to */
function noteShared(used: Map<string, string>, labels: string, picture: string, notes: Notes): void {
  const other = used.get(labels);
  if (other !== undefined) notes.add('texts of two pictures', `${labels}: labels ${other} and ${picture} alike`);
  used.set(labels, picture);
}

/** Texts in folders of labels that belong to no picture. */
function noteUnused(files: DataSetFiles, used: ReadonlyMap<string, string>, notes: Notes): void {
  const unused = files.files.filter(
    (file) =>
      /\.txt$/iu.test(file) &&
      !used.has(file) &&
      file.split('/').some((part) => part.toLowerCase() === 'labels') &&
      !/^classes\.txt$/iu.test(baseName(file)),
  );
  if (unused.length > 0)
    notes.add(
      'texts without a picture',
      `${unused.length} label files have no picture and are left out (${someOf(unused)})`,
    );
}
