import { messageOf } from '../../base/errors.js';
import { type CocoAnnotations, type CocoCategory, groupByImage, hasWidthAndHeight } from './annotations.js';
import type { ReportFault } from '../../contracts/data-fault.js';
import { diagnoseFile } from './diagnose-file.js';
import type { Identifiers } from './identifiers.js';
import type { GrowingBytes, GrowingFloat64, GrowingInt32 } from '../masks/growing.js';
import { extentOfPolygons } from '../masks/polygon.js';
import { rleArea, rleToBox } from '../masks/rle.js';
import { NO_SEGMENTATION, POLYGONS, polygonsAt, rleAt, RUNS, type SegmentationBuilder } from '../masks/segmentation.js';

/** A COCO file as read, before its ids are linked; NaN stands for what a record does not say. */
export interface RawCoco {
  readonly file: string;
  /** What the file calls its records by, where these are no numbers. */
  readonly names: Readonly<Record<'image' | 'category' | 'annotation', Identifiers>>;
  readonly imageIds: GrowingFloat64;
  readonly imageWidths: GrowingInt32;
  readonly imageHeights: GrowingInt32;
  readonly fileNames: string[];
  categories: CocoCategory[];
  readonly ids: GrowingFloat64;
  readonly imageIdOf: GrowingFloat64;
  readonly categoryIdOf: GrowingFloat64;
  readonly boxes: GrowingFloat64;
  readonly areas: GrowingFloat64;
  readonly crowds: GrowingBytes;
  readonly segmentations: SegmentationBuilder;
}

/** How far a box may pass the picture's edge before it is mentioned: COCO's own boxes do by rounding. */
const EDGE_TOLERANCE_PIXELS = 1;

/** Of boxes that speak for sizes that are swapped: said once of a file, since its pictures decide. */
const FITS_TURNED = 'boxes-fit-turned';

/** Links annotations to pictures and categories and fills in what the file leaves out, reporting all that is odd. */
export function resolveCoco(raw: RawCoco, report: ReportFault): CocoAnnotations {
  const { file } = raw;
  const imageIds = raw.imageIds.finish();
  const { imageTexts, categoryTexts } = settleNames(raw, imageIds, report);
  const imageIndexOf = indexById(imageIds, 'image', file, report);
  const categories = [...raw.categories].sort((a, b) => a.id - b.id);
  const categoryIndexOf = indexById(
    categories.map(({ id }) => id),
    'category',
    file,
    report,
  );
  reportSharedNames(categories, file, report);

  const ids = raw.ids.finish();
  reportDuplicates(ids, file, report);
  const imageIndexes = link(raw.imageIdOf, imageIndexOf);
  const categoryIndexes = link(raw.categoryIdOf, categoryIndexOf);
  const boxes = raw.boxes.finish();
  const annotations: CocoAnnotations = {
    file,
    images: {
      size: imageIds.length,
      ids: imageIds,
      widths: raw.imageWidths.finish(),
      heights: raw.imageHeights.finish(),
      fileNames: raw.fileNames,
      indexOf: imageIndexOf,
      texts: imageTexts,
    },
    categories,
    categoryIndexOf,
    categoryIdOfText: new Map([...categoryTexts].map(([id, text]) => [text, id])),
    size: ids.length,
    ids,
    imageIndexes,
    categoryIndexes,
    boxes,
    areas: raw.areas.finish(),
    crowds: raw.crowds.finish(),
    segmentations: raw.segmentations.finish(),
    byImage: groupByImage(
      imageIndexes,
      imageIds.length,
      (entry) => imageIndexes[entry]! >= 0 && categoryIndexes[entry]! >= 0,
    ),
  };
  const { boxesAreOdd } = diagnoseFile(annotations, report);
  // What is wrong with all of them is said once, and not of each again.
  const reportEach: ReportFault = boxesAreOdd
    ? (fault) => {
        if (!fault.code.startsWith('box-')) report(fault);
      }
    : report;
  let fittingTurned = 0;
  for (let index = 0; index < annotations.size; index++) {
    completeAnnotation(annotations, index, raw, (fault) => {
      if (fault.code === FITS_TURNED) fittingTurned++;
      else reportEach(fault);
    });
  }
  if (fittingTurned > 0) {
    report({
      severity: 'warning',
      code: FITS_TURNED,
      file,
      subject: fittingTurned === 1 ? '1 box' : `${fittingTurned} boxes`,
      problem: 'pass the edge of their picture and would fit, were its width and height swapped',
      action: 'its pictures tell which size is right; boxes that pass the edge are clipped for training',
    });
  }
  return annotations;
}

/** Numbers the ids that are texts, and says so once for each kind of record; the texts by number. */
function settleNames(raw: RawCoco, imageIds: Float64Array, report: ReportFault) {
  const categoryIds = raw.categories.map(({ id }) => id);
  const imageTexts = raw.names.image.settle(imageIds, raw.imageIdOf.data.subarray(0, raw.imageIdOf.length));
  const categoryTexts = raw.names.category.settle(
    categoryIds,
    raw.categoryIdOf.data.subarray(0, raw.categoryIdOf.length),
  );
  raw.names.annotation.settle(raw.ids.data.subarray(0, raw.ids.length));
  raw.categories = raw.categories.map((category, index) => ({ ...category, id: categoryIds[index]! }));
  for (const [kind, { firstText, numNamed }] of Object.entries(raw.names)) {
    if (firstText === undefined) continue;
    report({
      severity: 'warning',
      code: 'ids-as-text',
      file: raw.file,
      subject: 'the file',
      problem: `writes ${kind} ids as text, such as ${JSON.stringify(firstText)}`,
      action: numNamed === 0 ? 'taken as the numbers that they are' : 'numbered in their order',
    });
  }
  return { imageTexts, categoryTexts };
}

function completeAnnotation(annotations: CocoAnnotations, index: number, raw: RawCoco, report: ReportFault): void {
  const { images, boxes, areas, segmentations, file } = annotations;
  const fault = (severity: 'error' | 'warning', code: string, problem: string, action: string): void => {
    report({ severity, code, file, subject: `annotation ${annotations.ids[index]!}`, problem, action });
  };
  const image = annotations.imageIndexes[index]!;
  if (image < 0) {
    const id = raw.imageIdOf.data[index]!;
    if (!Number.isNaN(id)) {
      fault('warning', 'orphan-annotation', `belongs to image ${id}, which the file does not list`, 'it is left out');
    }
    return;
  }
  if (annotations.categoryIndexes[index]! < 0) {
    const id = raw.categoryIdOf.data[index]!;
    if (!Number.isNaN(id)) {
      fault('warning', 'unknown-category', `has category ${id}, which the file does not list`, 'it is left out');
    }
  }
  const width = images.widths[image]!;
  const height = images.heights[image]!;
  if (segmentations.kinds[index] === RUNS && width > 0) {
    const runHeight = segmentations.runSizes[2 * index]!;
    const runWidth = segmentations.runSizes[2 * index + 1]!;
    if (runHeight !== height || runWidth !== width) {
      fault(
        'error',
        'rle-size-differs',
        `its mask is ${runWidth} × ${runHeight}, its picture ${width} × ${height} (width × height)`,
        'size is [height, width]; write the mask at the size of the picture',
      );
      return;
    }
  }
  try {
    completeBox(annotations, index, fault);
    if (Number.isNaN(areas[index]!)) {
      areas[index] =
        segmentations.kinds[index] === NO_SEGMENTATION || (segmentations.kinds[index] === POLYGONS && width === 0)
          ? boxes[4 * index + 2]! * boxes[4 * index + 3]!
          : rleArea(rleAt(segmentations, index, height, width));
      fault('warning', 'area-missing', 'has no area', 'computed from its mask, or its box where it has none');
    }
  } catch (error) {
    fault('error', 'mask-unusable', `its mask cannot be drawn: ${messageOf(error)}`, 'correct its segmentation');
  }
}

type Fault = (severity: 'error' | 'warning', code: string, problem: string, action: string) => void;

function completeBox(annotations: CocoAnnotations, index: number, fault: Fault): void {
  const { boxes, images, segmentations } = annotations;
  const image = annotations.imageIndexes[index]!;
  if (Number.isNaN(boxes[4 * index]!)) {
    if (segmentations.kinds[index] === NO_SEGMENTATION) {
      fault('error', 'no-box', 'has neither a box nor a mask that can be used', 'add a bbox or remove the annotation');
      boxes.fill(0, 4 * index, 4 * index + 4);
      return;
    }
    boxes.set(
      segmentations.kinds[index] === POLYGONS
        ? extentOfPolygons(polygonsAt(segmentations, index))
        : rleToBox(rleAt(segmentations, index, 0, 0)),
      4 * index,
    );
    fault('warning', 'box-missing', 'has no bbox', 'computed from its segmentation');
  }
  const x = boxes[4 * index]!;
  const y = boxes[4 * index + 1]!;
  const w = boxes[4 * index + 2]!;
  const h = boxes[4 * index + 3]!;
  if (!hasWidthAndHeight(boxes, index)) {
    fault('warning', 'box-without-area', `its box is ${w} × ${h} pixels`, 'kept for scoring, left out of training');
  }
  const width = images.widths[image]!;
  const height = images.heights[image]!;
  if (width === 0 || height === 0) return;
  const over = Math.max(-x, -y, x + w - width, y + h - height);
  if (over > EDGE_TOLERANCE_PIXELS) {
    const fitsTurned = Math.max(-x, -y, x + w - height, y + h - width) <= EDGE_TOLERANCE_PIXELS;
    fault(
      'warning',
      fitsTurned ? FITS_TURNED : 'box-outside-image',
      `its box [${x}, ${y}, ${w}, ${h}] passes the edge of the picture (${width} × ${height}) by ${over} pixels`,
      'clipped for training, kept for scoring',
    );
  }
}

function indexById(ids: ArrayLike<number>, kind: string, file: string, report: ReportFault): Map<number, number> {
  const indexOf = new Map<number, number>();
  for (let index = 0; index < ids.length; index++) {
    const id = ids[index]!;
    if (indexOf.has(id)) {
      report({
        severity: 'error',
        code: `duplicate-${kind}-id`,
        file,
        subject: `${kind} ${id}`,
        problem: 'is listed more than once',
        action: 'give every entry an id of its own',
      });
    } else indexOf.set(id, index);
  }
  return indexOf;
}

function reportSharedNames(categories: readonly CocoCategory[], file: string, report: ReportFault): void {
  const firstWithName = new Map<string, number>();
  for (const { id, name } of categories) {
    const first = firstWithName.get(name);
    if (first === undefined) firstWithName.set(name, id);
    else if (first !== id) {
      report({
        severity: 'warning',
        code: 'shared-category-name',
        file,
        subject: `category ${id}`,
        problem: `has the name of category ${first} ("${name}")`,
        action: 'kept as two classes',
      });
    }
  }
}

function link(references: GrowingFloat64, indexOf: ReadonlyMap<number, number>): Int32Array {
  const indexes = new Int32Array(references.length);
  for (let i = 0; i < indexes.length; i++) indexes[i] = indexOf.get(references.data[i]!) ?? -1;
  return indexes;
}

function reportDuplicates(ids: Float64Array, file: string, report: ReportFault): void {
  const sorted = ids.slice().sort();
  for (let i = 1; i < sorted.length; i++) {
    if (sorted[i] !== sorted[i - 1]) continue;
    report({
      severity: 'error',
      code: 'duplicate-annotation-id',
      file,
      subject: `annotation ${sorted[i]!}`,
      problem: 'is listed more than once',
      action: 'give every annotation an id of its own; other tools would use only the last',
    });
  }
}
