import { dirname } from 'node:path';
import { MaeError } from '../../base/errors.js';
import type { CocoAnnotations } from './annotations.js';
import { type ByteSource, withFileSource } from './byte-source.js';
import { DetectionBuilder, type Detections } from './detections.js';
import { createFaultLog } from './faults.js';
import { Identifiers, numberOfText } from './identifiers.js';
import { createPictureNames } from './picture-identity.js';
import { GrowingFloat64 } from '../masks/growing.js';
import { JsonReader } from './json-reader.js';
import { readSegmentation } from './parse-segmentation.js';
import { rleToString } from '../masks/rle-string.js';
import { NO_SEGMENTATION, rleAt } from '../masks/segmentation.js';
import { createFolder, writeFileAtomically } from '../../base/atomic-write.js';

export interface LoadedResults {
  readonly detections: Detections;
  /** One line for each oddity, such as results of categories that the annotations do not have. */
  readonly warnings: readonly string[];
}

/**
 * The detections of a results file in COCO's format: a list of `{image_id, category_id, score, bbox | segmentation}`.
 *
 * @throws MaeError `ANNOTATION_INVALID` naming the file and the entry, `DATA_NOT_FOUND`.
 */
export function loadResults(path: string, annotations: CocoAnnotations): LoadedResults {
  return withFileSource(path, (source) => parseResults(source, path, annotations));
}

/** As `loadResults`, from a stream of bytes; `file` names it in messages. */
export function parseResults(source: ByteSource, file: string, annotations: CocoAnnotations): LoadedResults {
  const reader = new JsonReader(source, file);
  if (reader.kind() !== 'array') {
    throw reader.fail(
      'The results file is no list',
      'results are a list [{"image_id", "category_id", "score", "bbox" or "segmentation"}, …]',
    );
  }
  const log = createFaultLog();
  const builder = new DetectionBuilder(annotations);
  const pictures = createPictureNames(annotations.images);
  const categories = new Identifiers();
  const box = new GrowingFloat64(8);
  let index = -1;
  const fail = (problem: string, fix: string): MaeError =>
    new MaeError('ANNOTATION_INVALID', { what: `Result ${index} ${problem}`, where: file, fix });
  reader.readArray(() => {
    index++;
    let imageId: number | string | undefined;
    let fileName: string | undefined;
    let categoryId = Number.NaN;
    let score = Number.NaN;
    let hasScore = false;
    categories.lastSeen = 'nothing';
    box.length = 0;
    builder.segmentations.discardEntry();
    if (reader.kind() !== 'object') throw fail('is no object', 'remove it');
    reader.readObject((key) => {
      switch (key) {
        case 'image_id':
          imageId = readImageId(reader);
          break;
        case 'file_name':
          if (reader.kind() === 'string') fileName = reader.readString();
          else reader.skipValue();
          break;
        case 'category_id':
          categoryId = categories.read(reader, annotations.categoryIdOfText);
          break;
        case 'score':
          hasScore = true;
          score = reader.readNumberOrNaN();
          break;
        case 'bbox':
          box.length = 0;
          if (reader.kind() === 'array') reader.readNumbers(box);
          else reader.skipValue();
          break;
        case 'segmentation':
          builder.segmentations.discardEntry();
          readSegmentation(reader, builder.segmentations, (fault) => {
            if (fault.severity === 'error') throw fail(fault.problem, fault.action);
            log.report({ ...fault, file, subject: `result ${index}` });
          });
          break;
        default:
          reader.skipValue();
      }
    });
    const picture = pictures.identify(imageId, fileName);
    if ('problem' in picture) throw fail(picture.problem, 'write the ids of the annotation file, or its file names');
    if (picture.oddity !== undefined) {
      log.report({ severity: 'warning', file, subject: `result ${index}`, ...picture.oddity });
    }
    if (Number.isNaN(categoryId)) {
      throw fail(`has ${categories.lastSeen} as category_id`, 'write the ids of the annotation file');
    }
    if (!hasScore) throw fail('has no score', 'a result has a score between 0 and 1');
    if (!Number.isFinite(score))
      throw fail('has a score that is no finite number', 'write a finite number from 0 to 1');
    if (box.length !== 0 && box.length !== 4) throw fail(`has a bbox of ${box.length} numbers`, 'bbox is [x, y, w, h]');
    if (!annotations.categoryIndexOf.has(categoryId)) {
      log.report({
        severity: 'warning',
        code: 'unknown-category',
        file,
        subject: `result ${index}`,
        problem: `has category ${categoryId}, which the annotations do not have`,
        action: 'it is not scored',
      });
    }
    builder.addWithSegmentation(
      picture.id,
      categoryId,
      score,
      box.length === 4 ? box.data : undefined,
      `${file}, result ${index}`,
    );
  });
  reader.finish();
  return { detections: builder.finish(), warnings: log.lines() };
}

/** A number, a text, or undefined for what can be no id. */
function readImageId(reader: JsonReader): number | string | undefined {
  if (reader.kind() === 'string') {
    const text = reader.readString();
    return numberOfText(text) ?? text;
  }
  const value = reader.readNumberOrNaN();
  return Number.isSafeInteger(value) ? value : undefined;
}

/**
 * Writes detections as a results file in COCO's format; the file appears whole or not at all. Detections of categories
 * that the annotations do not have are left out.
 *
 * @throws MaeError `WRITE_FAILED`
 */
export async function writeResults(path: string, annotations: CocoAnnotations, detections: Detections): Promise<void> {
  await createFolder(dirname(path));
  await writeFileAtomically(path, resultsText(annotations, detections));
}

function* resultsText(annotations: CocoAnnotations, detections: Detections): Generator<string> {
  let separator = '[';
  for (let i = 0; i < detections.size; i++) {
    if (detections.categoryIndexes[i]! < 0) continue;
    yield separator + resultEntry(annotations, detections, i);
    separator = ',\n';
  }
  yield separator === '[' ? '[]\n' : ']\n';
}

function resultEntry(annotations: CocoAnnotations, detections: Detections, i: number): string {
  const { images, categories } = annotations;
  const image = detections.imageIndexes[i]!;
  const entry: Record<string, unknown> = {
    image_id: images.ids[image],
    category_id: categories[detections.categoryIndexes[i]!]!.id,
    bbox: [...detections.boxes.subarray(4 * i, 4 * i + 4)],
    score: detections.scores[i],
  };
  if (detections.segmentations.kinds[i] !== NO_SEGMENTATION) {
    const rle = rleAt(detections.segmentations, i, images.heights[image]!, images.widths[image]!);
    entry.segmentation = { size: [rle.height, rle.width], counts: rleToString(rle) };
  }
  return JSON.stringify(entry);
}
