import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { z } from 'zod';
import type { ReportFault } from '../../contracts/data-fault.js';
import type { DataReader } from '../../contracts/data-reader.js';
import type { Dataset } from '../../contracts/dataset.js';
import { MaeError } from '../../base/errors.js';
import type { EncodedMask, InstanceAnnotations } from '../targets/instance-target.js';
import { checkSettings } from '../../base/check-settings.js';
import {
  annotationPolygons,
  annotationsOfImage,
  type CocoAnnotations,
  type CocoCategory,
  hasWidthAndHeight,
  withCategories,
} from '../coco/annotations.js';
import { withFileSource } from '../coco/byte-source.js';
import { openingFaults } from '../coco/faults.js';
import { findPictures } from '../coco/find-pictures.js';
import { type CocoLayoutOptions, cocoSplits, locateCoco, looksLikeCoco } from './coco-layout.js';
import { parseCoco } from '../coco/parse.js';
import { isFolder } from '../../base/listing.js';
import { NO_SEGMENTATION, RUNS } from '../masks/segmentation.js';

export interface CocoDatasetOptions extends CocoLayoutOptions {
  /** What becomes of pictures without a usable object: training on objects leaves them out. Default `keep`. */
  readonly emptyImages?: 'keep' | 'skip';
  /** Whether links may lead out of the data set. Default false. */
  readonly followLinks?: boolean;
  /** Takes every fault, so that the data is opened as far as it can be used. Default: the first error is thrown. */
  readonly reportFault?: ReportFault;
}

/** A COCO data set: items for training and the annotations for scoring. */
export interface CocoDataset extends Dataset<InstanceAnnotations> {
  readonly annotations: CocoAnnotations;
  readonly imageFolder: string;
  /** Each picture's path, by its position in `annotations.images`; undefined for one that is not there. */
  readonly paths: ReadonlyArray<string | undefined>;
}

/** Whether a data set was read from a COCO file, so that its annotations are at hand. */
export function isCocoDataset(data: Dataset): data is CocoDataset {
  return 'annotations' in data && 'imageFolder' in data;
}

/**
 * A data set in COCO's layout; see `locateCoco` for where files may lie and `findPictures` for how pictures are found.
 * Items are in the file's order; pictures that are not there are left out. Items have boxes without area too, for
 * scoring; training leaves these out.
 *
 * @throws MaeError `DATA_NOT_FOUND`, `ANNOTATION_INVALID`, `DATA_EMPTY` or `PATH_ESCAPES`
 */
export function cocoDataset(path: string, options: CocoDatasetOptions = {}): CocoDataset {
  const { annotationFile, root, imageFolders } = locateCoco(path, options);
  const { report, warnings } = openingFaults(options.reportFault);
  const parsed = withFileSource(annotationFile, (source) => parseCoco(source, annotationFile, report));
  const annotations = withoutParents(parsed, report);
  const search = {
    root: isNamedOutside(options.images, root) ? imageFolders[0]! : root,
    folders: imageFolders,
    followLinks: options.followLinks ?? false,
  };
  const { folder: imageFolder, paths } = findPictures(annotations, search, report);
  reportListedTwice(annotations, report);
  const images = imagesInUse(annotations, options.emptyImages ?? 'keep');
  const present = images.filter((image) => paths[image] !== undefined);
  if (images.length === 0) {
    const what = annotations.images.size === 0 ? 'the file lists no pictures' : 'no picture has an object';
    throw new MaeError('DATA_EMPTY', { what, where: annotationFile, fix: 'check the annotation file' });
  }
  if (present.length === 0) reportAllMissing(annotations, images, imageFolders, report);
  const missing = images.filter((image) => paths[image] === undefined);
  return {
    name: annotationFile,
    size: present.length,
    item: (index) => {
      const image = present[index]!;
      return {
        id: annotations.images.fileNames[image]!,
        image: { kind: 'file', path: paths[image]! },
        target: instancesOfImage(annotations, image),
      };
    },
    classNames: annotations.categories.map(({ name }) => name),
    classIds: annotations.categories.map(({ id }) => id),
    layout: layoutOf(path, annotationFile, imageFolder),
    labelling: { unit: 'object', countsOf: (index) => classCounts(annotations, present[index]!) },
    missing: missing.map((image) => annotations.images.fileNames[image]!),
    warnings: warnings(),
    annotations,
    imageFolder,
    paths,
  };
}

/** Whether the settings name a folder of pictures that does not lie in the data set: then it is to be trusted itself. */
function isNamedOutside(images: string | undefined, root: string): boolean {
  if (images === undefined || isFolder(join(root, images)) || !isFolder(images)) return false;
  const below = relative(resolve(root), resolve(images));
  return below.startsWith('..') || isAbsolute(below);
}

function reportAllMissing(
  { images, file }: CocoAnnotations,
  wanted: readonly number[],
  folders: readonly string[],
  report: ReportFault,
): void {
  report({
    severity: 'error',
    code: 'no-picture-there',
    file,
    subject: 'the file',
    problem: `lists ${wanted.length} pictures and none of them is there, such as ${images.fileNames[wanted[0]!]!}`,
    action: `name their folder by \`data.images\`; looked in ${folders.join(', ')}`,
  });
}

/**
 * The annotations without categories that are only the parent of others: Roboflow lists the group of the classes as a
 * class that no object has.
 */
function withoutParents(annotations: CocoAnnotations, report: ReportFault): CocoAnnotations {
  const { categories, categoryIndexes, file } = annotations;
  const used = new Set<number>(categoryIndexes);
  const parents = new Set(categories.map(({ supercategory }) => supercategory));
  const isParent = ({ name, supercategory }: CocoCategory, index: number): boolean =>
    !used.has(index) && name !== supercategory && parents.has(name);
  const left = categories.filter(isParent);
  if (left.length === 0 || left.length === categories.length) return annotations;
  report({
    severity: 'warning',
    code: 'category-is-a-group',
    file,
    subject: left.length === 1 ? `category ${left[0]!.id}` : `${left.length} categories`,
    problem: `${left.map(({ name }) => `"${name}"`).join(', ')} ${left.length === 1 ? 'is' : 'are'} of no object and only the supercategory of others`,
    action: 'left out of the classes',
  });
  return withCategories(
    annotations,
    categories.filter((category, index) => !isParent(category, index)),
  );
}

/** Pictures that two entries name. */
function reportListedTwice({ file, images }: CocoAnnotations, report: ReportFault): void {
  const seen = new Set<string>();
  for (const [image, name] of images.fileNames.entries()) {
    if (name === '') continue;
    if (seen.has(name)) {
      report({
        severity: 'warning',
        code: 'picture-listed-twice',
        file,
        subject: `image ${images.ids[image]!}`,
        problem: `its picture ${name} is listed by another entry too`,
        action: 'kept as listed',
      });
    }
    seen.add(name);
  }
}

/** A picture's objects as plain data; its arrays are copies, small enough to be sent to a worker thread. */
export function instancesOfImage(annotations: CocoAnnotations, image: number): InstanceAnnotations {
  const entries = [...annotationsOfImage(annotations, image)];
  const { images, boxes } = annotations;
  return {
    imageId: images.ids[image]!,
    width: images.widths[image]!,
    height: images.heights[image]!,
    ids: Float64Array.from(entries, (entry) => annotations.ids[entry]!),
    boxes: Float64Array.from(
      entries.flatMap((entry) => {
        const [x, y, width, height] = boxes.subarray(4 * entry, 4 * entry + 4) as unknown as Quad;
        return [x, y, x + width, y + height];
      }),
    ),
    classes: Int32Array.from(entries, (entry) => annotations.categoryIndexes[entry]!),
    crowds: Uint8Array.from(entries, (entry) => annotations.crowds[entry]!),
    areas: Float64Array.from(entries, (entry) => annotations.areas[entry]!),
    masks: entries.map((entry) => encodedMask(annotations, entry)),
  };
}

function layoutOf(path: string, annotationFile: string, imageFolder: string): string {
  const file = relative(path, annotationFile);
  const beside = relative(dirname(annotationFile), imageFolder) === '';
  const below = relative(path, imageFolder);
  const pictures = beside ? 'beside it' : `in ${below === '' || below.startsWith('..') ? imageFolder : below}`;
  return `COCO, ${file === '' ? 'the annotation file itself' : file}, pictures ${pictures}`;
}

/** How many objects of each class a picture has, crowds left out. */
function classCounts(annotations: CocoAnnotations, image: number): ReadonlyMap<number, number> {
  const counts = new Map<number, number>();
  for (const entry of annotationsOfImage(annotations, image)) {
    if (annotations.crowds[entry] === 1) continue;
    const index = annotations.categoryIndexes[entry]!;
    counts.set(index, (counts.get(index) ?? 0) + 1);
  }
  return counts;
}

type Quad = readonly [number, number, number, number];

function encodedMask(annotations: CocoAnnotations, entry: number): EncodedMask | undefined {
  const pool = annotations.segmentations;
  if (pool.kinds[entry] === NO_SEGMENTATION) return undefined;
  if (pool.kinds[entry] === RUNS) {
    return {
      kind: 'runs',
      bytes: pool.runBytes.slice(entry === 0 ? 0 : pool.runEnds[entry - 1], pool.runEnds[entry]),
      height: pool.runSizes[2 * entry]!,
      width: pool.runSizes[2 * entry + 1]!,
    };
  }
  return { kind: 'polygons', parts: annotationPolygons(annotations, entry).map((part) => part.slice()) };
}

function imagesInUse(annotations: CocoAnnotations, emptyImages: 'keep' | 'skip'): number[] {
  const all = [...annotations.images.fileNames.keys()];
  if (emptyImages === 'keep') return all;
  return all.filter((image) =>
    annotationsOfImage(annotations, image).some(
      (entry) => annotations.crowds[entry] === 0 && hasWidthAndHeight(annotations.boxes, entry),
    ),
  );
}

const text = z.string().min(1).exactOptional();
const schema: z.ZodType<CocoDatasetOptions> = z.strictObject({
  split: text,
  annotations: text,
  images: text,
  emptyImages: z.enum(['keep', 'skip']).exactOptional(),
  followLinks: z.boolean().exactOptional(),
  reportFault: z.custom<ReportFault>().exactOptional(),
});

/** COCO's layout and its relatives; `data.format` "coco". */
export const cocoReader: DataReader = {
  name: 'coco',
  settings: ['images', 'annotations'],
  recognizes: (path) => Promise.resolve(looksLikeCoco(path)),
  splits: (path) => Promise.resolve(cocoSplits(path)),
  open: async (path, options = {}) =>
    Promise.resolve(cocoDataset(path, checkSettings(schema, options, 'data reader coco'))),
};
