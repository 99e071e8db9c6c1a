import { join, relative } from 'node:path';
import { z } from 'zod';
import type { ReportFault } from '../../contracts/data-fault.js';
import type { DataReader } from '../../contracts/data-reader.js';
import type { Dataset } from '../../contracts/dataset.js';
import { MaeError } from '../../base/errors.js';
import { openingFaults } from '../coco/faults.js';
import { readClassNames, readStems, semanticFolders, type SemanticFolders } from './ade20k-layout.js';
import { isFolder, listFiles } from '../../base/listing.js';
import { isPictureName } from '../../base/picture-names.js';
import { checkSettings } from '../../base/check-settings.js';
import { splitOfName } from './split-names.js';
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
  /** Whether links may lead out of the data set. Default false. */
  readonly followLinks?: boolean;
  /** Takes every fault, so that the data is opened as far as it can be used. Default: the first error is thrown. */
  readonly reportFault?: ReportFault;
}

/** A picture and its index map, by name. */
interface SemanticPair {
  /** Path of the picture relative to the folder of pictures. */
  readonly id: string;
  readonly image: string;
  readonly annotation: SemanticAnnotation;
}

interface SemanticPairs {
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
async function pairSemanticFolder(path: string, options: SemanticFolderOptions): Promise<SemanticPairs> {
  const folders = chooseFolders(path, options);
  const links = linkRules(path, folders, options);
  const [images, maps] = [await listFiles(folders.images, links), await listFiles(folders.annotations, links)];
  const { classNames, ...values } = valuesOf(path, options);
  const annotation = (file: string): SemanticAnnotation => ({ path: join(folders.annotations, file), ...values });
  const mapOf = new Map<string, string>();
  const suffix = options.annotationSuffix ?? '.png';
  for (const file of maps.files) {
    if (!file.toLowerCase().endsWith(suffix.toLowerCase())) continue;
    mapOf.set(file.slice(0, -suffix.length).normalize('NFC'), file);
  }
  const listed = folders.list === undefined ? undefined : readStems(folders.list);
  const pairs: SemanticPair[] = [];
  const imagesWithoutMap: string[] = [];
  const used = new Set<string>();
  for (const file of images.files) {
    const stem = stemOf(file, options.imageSuffix)?.normalize('NFC');
    if (stem === undefined || listed?.has(stem) === false) continue;
    const map = mapOf.get(stem);
    if (map === undefined) imagesWithoutMap.push(file);
    else {
      used.add(stem);
      pairs.push({ id: file, image: join(folders.images, file), annotation: annotation(map) });
    }
  }
  // The maps of other splits lie in the same folder where a list says which pictures are of this one.
  const others = [...mapOf].filter(([stem]) => !used.has(stem) && listed?.has(stem) !== false);
  const warnings = [...images.warnings, ...maps.warnings];
  return { folders, pairs, classNames, imagesWithoutMap, mapsWithoutImage: others.map(([, map]) => map), warnings };
}

/** Links stay in the data set; folders that settings name outside it are trusted themselves. */
function linkRules(path: string, { images, annotations }: SemanticFolders, { followLinks }: SemanticFolderOptions) {
  const isBelow = (folder: string): boolean => !relative(path, folder).startsWith('..');
  return { followLinks, ...(isBelow(images) && isBelow(annotations) ? { within: path } : {}) };
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
      fix: `a.jpg needs a.png; ${suffixAdvice(imagesWithoutMap, mapsWithoutImage)}`,
    });
  }
  const { report, warnings: reported } = openingFaults(options.reportFault);
  const warn = (code: string, file: string, subject: string, problem: string, action: string): void => {
    report({ severity: 'warning', code, file, subject, problem, action });
  };
  for (const file of imagesWithoutMap) {
    warn('picture-without-map', folders.images, file, 'has no index map', 'left out');
  }
  for (const file of mapsWithoutImage) {
    warn('map-without-picture', folders.annotations, file, 'belongs to no picture', 'not used');
  }
  for (const warning of warnings) warn('dead-link', path, 'a link', warning, 'not used');
  return {
    name: folders.images,
    size: pairs.length,
    item: (index) => {
      const { id, image, annotation } = pairs[index]!;
      return { id, image: { kind: 'file', path: image }, target: annotation };
    },
    ...(classNames === undefined ? {} : { classNames }),
    layout: layoutOf(path, folders),
    labelling: { unit: 'pixel', countsOf: (index) => pixelCounts(pairs[index]!.annotation) },
    warnings: reported(),
  };
}

function layoutOf(path: string, { images, annotations, list }: SemanticFolders): string {
  const listed = list === undefined ? '' : ` as ${relative(path, list)} lists them`;
  return `index maps, ${relative(path, images)}/ with ${relative(path, annotations)}/${listed}`;
}

/** The endings that would bring pictures and maps together, where there are such; otherwise the settings for them. */
function suffixAdvice(images: readonly string[], maps: readonly string[]): string {
  const general = 'set `data.imageSuffix` and `data.annotationSuffix` where names end otherwise';
  const [image] = images;
  if (image === undefined) return general;
  for (let end = image.length - 1; end > 0; end--) {
    const stem = image.slice(0, end);
    const suffix = image.slice(end);
    const suffixes = [...new Set(maps.filter((map) => map.startsWith(stem)).map((map) => map.slice(end)))];
    if (suffixes.length === 0 || !/^[-_.]/u.test(suffix)) continue;
    if (!images.every((name) => name.endsWith(suffix))) continue;
    const choices = suffixes.map((each) => `data.annotationSuffix=${each}`);
    return `here that is --set data.imageSuffix=${suffix} ${choices.slice(0, 3).join(' or ')}`;
  }
  return general;
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
  const wanted = split === undefined ? 'train' : (splitOfName(split) ?? split);
  const chosen = found.find((folders) => folders.split === wanted);
  if (chosen !== undefined) return chosen;
  const names = found.map((folders) => folders.split).join(', ');
  if (found.length > 0) {
    throw new MaeError('DATA_NOT_FOUND', {
      what:
        split === undefined
          ? `none of the splits is for training (there is ${names})`
          : `there is no split "${split}" (there is ${names})`,
      where: path,
      fix: 'name one of them by `data.split`, or folders by `data.images` and `data.annotations`',
    });
  }
  throw new MaeError('DATA_NOT_FOUND', {
    what: 'there are no folders of pictures and index maps',
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
  followLinks: z.boolean().exactOptional(),
  reportFault: z.custom<ReportFault>().exactOptional(),
});

/** ADE20K's layout and its relatives; `data.format` "ade20k". */
export const ade20kReader: DataReader = {
  name: 'ade20k',
  settings: [
    'images',
    'annotations',
    'imageSuffix',
    'annotationSuffix',
    'reduceZeroLabel',
    'ignoreIndex',
    'classMap',
    'classNames',
    'numClasses',
  ],
  recognizes: (path) => Promise.resolve(semanticFolders(path).length > 0),
  splits: (path) => Promise.resolve(semanticFolders(path).map(({ split }) => split)),
  open: async (path, options = {}) => semanticDataset(path, checkSettings(schema, options, 'data reader ade20k')),
};
