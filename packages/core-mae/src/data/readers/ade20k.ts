import { join, relative } from 'node:path';
import { z } from 'zod';
import type { DataReader } from '../../contracts/data-reader.js';
import type { Dataset } from '../../contracts/dataset.js';
import { MaeError } from '../../base/errors.js';
import { readClassNames, semanticFolders, type SemanticFolders } from './ade20k-layout.js';
import { isFolder, listFiles } from '../../base/listing.js';
import { isPictureName } from '../../base/picture-names.js';
import { checkSettings } from '../../base/check-settings.js';
import { readLabelMap } from '../targets/label-map.js';
import { countClasses, type LabelValues } from '../targets/label-values.js';
import type { SemanticAnnotation } from '../targets/semantic-target.js';

export interface SemanticFolderOptions {
  /** `train`, `val` or `test`. Default `train`. */
  readonly split?: string;
  /** The folder of pictures, relative to the data set, where it is not a usual one. */
  readonly images?: string;
  /** The folder of index maps. */
  readonly annotations?: string;
  /** What a picture's name ends in, before which it must agree with its map's. Default any extension. */
  readonly imageSuffix?: string;
  /** What a map's name ends in: `_labelTrainIds.png`. Default `.png`. */
  readonly annotationSuffix?: string;
  /** Whether 0 means "other" and is ignored. Default: where the classes are listed from 1 (`objectInfo150.txt`). */
  readonly reduceZeroLabel?: boolean;
  /** Value of pixels that are not counted. Default 255. */
  readonly ignoreIndex?: number;
  /**
   * The class of each value, by name, or null for pixels that are not counted; several values may be one class. Classes
   * are numbered in the order of their lowest values. It stands for all of `reduceZeroLabel`, `classNames` and
   * `numClasses`.
   */
  readonly classMap?: Readonly<Record<string, string | null>>;
  /** Names of the classes, where no file lists them. */
  readonly classNames?: readonly string[];
  /** Number of classes, where they have no names. */
  readonly numClasses?: number;
}

/** A picture and its index map, by name. */
export interface SemanticPair {
  /** Path of the picture relative to the folder of pictures. */
  readonly id: string;
  readonly image: string;
  readonly annotation: SemanticAnnotation;
}

export interface SemanticPairs {
  readonly folders: SemanticFolders;
  readonly pairs: readonly SemanticPair[];
  readonly classNames: readonly string[] | undefined;
  readonly imagesWithoutMap: readonly string[];
  readonly mapsWithoutImage: readonly string[];
  readonly warnings: readonly string[];
}

/**
 * The pictures of a folder with their index maps, in the order of names.
 *
 * @throws MaeError `DATA_NOT_FOUND` naming the folder that is missing, `DATA_INVALID` for a broken list of classes.
 */
export async function pairSemanticFolder(path: string, options: SemanticFolderOptions = {}): Promise<SemanticPairs> {
  const folders = chooseFolders(path, options);
  const [images, maps] = [await listFiles(folders.images), await listFiles(folders.annotations)];
  const { classNames, ...values } = valuesOf(path, options);
  const annotation = (file: string): SemanticAnnotation => ({ path: join(folders.annotations, file), ...values });
  const mapOf = new Map<string, string>();
  const suffix = options.annotationSuffix ?? '.png';
  for (const file of maps.files) {
    if (file.toLowerCase().endsWith(suffix.toLowerCase())) mapOf.set(file.slice(0, -suffix.length), file);
  }
  const pairs: SemanticPair[] = [];
  const imagesWithoutMap: string[] = [];
  for (const file of images.files) {
    const stem = stemOf(file, options.imageSuffix);
    if (stem === undefined) continue;
    const map = mapOf.get(stem);
    if (map === undefined) imagesWithoutMap.push(file);
    else {
      mapOf.delete(stem);
      pairs.push({ id: file, image: join(folders.images, file), annotation: annotation(map) });
    }
  }
  const warnings = [...images.warnings, ...maps.warnings];
  return { folders, pairs, classNames, imagesWithoutMap, mapsWithoutImage: [...mapOf.values()], warnings };
}

/** How the values of the maps are to be read, and what their classes are called. */
function valuesOf(
  path: string,
  options: SemanticFolderOptions,
): LabelValues & { classNames: readonly string[] | undefined } {
  const ignoreIndex = options.ignoreIndex ?? 255;
  if (options.classMap !== undefined) {
    const entries = Object.entries(options.classMap).map(([value, name]) => [Number(value), name] as const);
    const classNames = [...new Set(entries.sort(([a], [b]) => a - b).flatMap(([, name]) => name ?? []))];
    const indexOf = new Map(classNames.map((name, index) => [name, index]));
    const classMap = entries.map(([value, name]) => [value, name === null ? null : indexOf.get(name)!] as const);
    return { classNames, reduceZeroLabel: false, ignoreIndex, numClasses: classNames.length, classMap };
  }
  const listed = readClassNames(path);
  const classNames = options.classNames ?? listed?.names;
  const numClasses = options.numClasses ?? classNames?.length;
  return {
    classNames,
    reduceZeroLabel: options.reduceZeroLabel ?? listed?.fromOne ?? false,
    ignoreIndex,
    ...(numClasses === undefined ? {} : { numClasses }),
  };
}

/**
 * A data set of pictures with an index map each: ADE20K's layout (`images/training`, `annotations/training`,
 * `objectInfo150.txt`), mmsegmentation's (`img_dir/train`, `ann_dir/train`), SegNet's (`train`, `trainannot`) and their
 * like. Pictures without a map are
 * left out with a warning.
 *
 * @throws MaeError `DATA_NOT_FOUND`, `DATA_INVALID`, `DATA_EMPTY`
 */
export async function semanticDataset(
  path: string,
  options: SemanticFolderOptions = {},
): Promise<Dataset<SemanticAnnotation>> {
  const { folders, pairs, classNames, imagesWithoutMap, mapsWithoutImage, warnings } = await pairSemanticFolder(
    path,
    options,
  );
  if (pairs.length === 0) {
    throw new MaeError('DATA_EMPTY', {
      what: 'no picture has an index map of its name',
      where: `${folders.images} and ${folders.annotations}`,
      fix: 'a.jpg needs a.png; set `data.imageSuffix` and `data.annotationSuffix` where names end otherwise',
    });
  }
  return {
    name: folders.images,
    size: pairs.length,
    item: (index) => {
      const { id, image, annotation } = pairs[index]!;
      return { id, image: { kind: 'file', path: image }, target: annotation };
    },
    ...(classNames === undefined ? {} : { classNames }),
    layout: `index maps, ${relative(path, folders.images)}/ with ${relative(path, folders.annotations)}/`,
    labelling: { unit: 'pixel', countsOf: (index) => pixelCounts(pairs[index]!.annotation) },
    warnings: [
      ...warnings,
      ...imagesWithoutMap.map((file) => `${file}: has no index map and is left out`),
      ...mapsWithoutImage.map((file) => `${file}: is the index map of no picture`),
    ],
  };
}

/** How many pixels of each class a map has. */
function pixelCounts(annotation: SemanticAnnotation): ReadonlyMap<number, number> {
  return countClasses(readLabelMap(annotation.path).labels, annotation, annotation.path);
}

function stemOf(file: string, suffix: string | undefined): string | undefined {
  if (suffix !== undefined) return file.endsWith(suffix) ? file.slice(0, -suffix.length) : undefined;
  return isPictureName(file) ? file.replace(/\.[^.]+$/u, '') : undefined;
}

function chooseFolders(path: string, { split, images, annotations }: SemanticFolderOptions): SemanticFolders {
  if (images !== undefined && annotations !== undefined) {
    return { split: split ?? 'train', images: join(path, images), annotations: join(path, annotations) };
  }
  if (!isFolder(path)) {
    throw new MaeError('DATA_NOT_FOUND', { what: 'there is no such folder', where: path, fix: 'check the path' });
  }
  const found = semanticFolders(path);
  const chosen = found.find((folders) => folders.split === (split ?? found[0]?.split));
  if (chosen !== undefined) return chosen;
  throw new MaeError('DATA_NOT_FOUND', {
    what:
      found.length === 0
        ? 'there are no folders of pictures and index maps'
        : `there is no split "${split}" (there is ${found.map((folders) => folders.split).join(', ')})`,
    where: path,
    fix: 'ADE20K has images/training and annotations/training, SegNet train and trainannot; name others by `data.images` and `data.annotations`',
  });
}

/** `{ 0: 'background', 128: 'nucleus', 255: null }`: values of index maps with the names of their classes. */
export const classMapSchema = z
  .record(z.string(), z.string().min(1).nullable())
  .refine((map) => Object.keys(map).every((key) => /^(?:0|[1-9]\d{0,4})$/u.test(key) && Number(key) <= 65_535), {
    message: 'its keys are values of index maps, 0 to 65535: {0: background, 255: object}',
  });

const text = z.string().min(1).exactOptional();
const schema: z.ZodType<SemanticFolderOptions> = z.strictObject({
  split: text,
  images: text,
  annotations: text,
  imageSuffix: text,
  annotationSuffix: text,
  reduceZeroLabel: z.boolean().exactOptional(),
  ignoreIndex: z.int().min(0).max(65_535).exactOptional(),
  classMap: classMapSchema.exactOptional(),
  classNames: z.array(z.string()).exactOptional(),
  numClasses: z.int().min(1).exactOptional(),
});

/** ADE20K's layout and its relatives; `data.format` "ade20k". */
export const ade20kReader: DataReader = {
  name: 'ade20k',
  settings: ['images', 'annotations', 'imageSuffix', 'annotationSuffix', 'reduceZeroLabel', 'ignoreIndex', 'classMap'],
  recognizes: (path) => Promise.resolve(semanticFolders(path).length > 0),
  splits: (path) => Promise.resolve(semanticFolders(path).map(({ split }) => split)),
  open: async (path, options = {}) => semanticDataset(path, checkSettings(schema, options, 'data reader ade20k')),
};
