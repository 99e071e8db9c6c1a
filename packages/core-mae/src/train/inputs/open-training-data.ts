import type { DataReader } from '../../contracts/data-reader.js';
import type { Dataset } from '../../contracts/dataset.js';
import { findReader } from '../../data/readers/open-dataset.js';
import { heldOutBeside, splitToLookAt } from '../../data/readers/split-names.js';
import { splitByNames, splitDataset, splitFold, takeSample, takeSamplePerClass } from '../../data/readers/split.js';
import { createRandom } from '../../base/random.js';
import type { DataSettings, ReadingSettings } from '../settings/data-settings.js';
import { type Look, lookAtSplits, openLookedAt } from './look-at-data.js';
import { type LayoutSettings, readerOptionsOf, requireTakenSettings } from '../settings/layout-settings.js';
import { append } from '../../base/long-lists.js';

/** What a training learns from, and what it is measured on. */
export interface TrainingPictures {
  readonly train: Dataset;
  /** Pictures that are not trained on: `val`, the data's own `val` split, or a fraction held out. */
  readonly heldOut?: Dataset | undefined;
}

export interface OpenedPictures extends TrainingPictures {
  readonly heldOut: Dataset | undefined;
  /** Where the held-out pictures come from, in a few words; undefined where there are none. */
  readonly heldOutBy: string | undefined;
  readonly warnings: readonly string[];
}

export interface OpenDataOptions {
  /** Names of readers, the best first, where the path could be of several formats. */
  readonly formats?: readonly string[] | undefined;
  /** Whether labels matter: pretraining has no use for them. Default true. */
  readonly labels?: boolean;
  /** Pictures that are held out where a share of them is, by name. Default: they are drawn by the seed. */
  readonly heldOutNames?: readonly string[] | undefined;
}

/**
 * The training and the held-out pictures that the settings name, after a look at what `mae-tasks data check` looks at: an
 * error of it is thrown, what it warns of is a warning here.
 *
 * @throws MaeError `DATA_NOT_FOUND`, `DATA_EMPTY`, `DATA_INVALID`, `ANNOTATION_INVALID` or `CONFIG_INVALID`
 */
export async function openTrainingData(
  settings: DataSettings,
  readers: readonly DataReader[],
  seed: number,
  { formats, labels = true, heldOutNames }: OpenDataOptions = {},
): Promise<OpenedPictures> {
  const { path, format, val, valFraction, folds, fold, limit, limitPerClass } = settings;
  const random = createRandom(seed).fork('data');
  const reader = await findReader(path, readers, namedFormat(format), formats);
  requireTakenSettings(settings, reader, readers);
  const { split, ...options } = {
    ...readerOptionsOf(settings, reader),
    ...(settings.split === null ? {} : { split: settings.split }),
  };
  const look: Look = { settings, labels };
  const whole = await openLookedAt(reader, path, split === undefined ? options : { ...options, split }, look);
  let train: Dataset = whole;
  let heldOut: Dataset | undefined;
  let heldOutBy: string | undefined;
  const warnings = [...whole.warnings];
  const beside = await heldOutSplitOf(reader, path, split, options);
  if (folds !== null && fold !== null) {
    ({ train, heldOut } = splitByNames(whole, heldOutNames) ?? splitFold(whole, folds, fold, random));
    heldOutBy = `part ${fold + 1} of ${folds}`;
  } else if (val !== null) {
    const other = await findReader(val, readers, reader.name);
    const chosen = splitToLookAt((await other.splits?.(val)) ?? [], 'val');
    heldOut = await openLookedAt(
      other,
      val,
      { ...optionsOfOther(options), ...(chosen === undefined ? {} : { split: chosen }) },
      look,
    );
    heldOutBy = val;
  } else if (beside !== undefined) {
    heldOut = await openLookedAt(reader, path, { ...options, split: beside }, look);
    heldOutBy = beside === 'val' ? "the data's own val split" : `the data's own split ${beside}`;
  } else if (valFraction > 0) {
    ({ train, heldOut } = splitByNames(whole, heldOutNames) ?? splitDataset(whole, valFraction, random));
    heldOutBy = `${Number((100 * valFraction).toPrecision(3))} % of the pictures, by the seed`;
  }
  if (heldOut !== undefined && (val !== null || beside !== undefined) && folds === null) {
    append(warnings, heldOut.warnings);
    append(warnings, lookAtSplits([whole, heldOut], look));
  }
  if (limitPerClass !== null) train = takeSamplePerClass(train, limitPerClass, random.fork('train'));
  if (limit !== null) {
    train = takeSample(train, limit, random.fork('train'));
    heldOut &&= takeSample(heldOut, limit, random.fork('val'));
  }
  return { train, heldOut, heldOutBy, warnings };
}

/** The split that the data itself holds out; none where one annotation file is named. */
async function heldOutSplitOf(
  reader: DataReader,
  path: string,
  trained: string | undefined,
  options: Readonly<Record<string, unknown>>,
): Promise<string | undefined> {
  return options.annotations === undefined ? heldOutBeside((await reader.splits?.(path)) ?? [], trained) : undefined;
}

/**
 * All pictures that a training with these settings holds out, whatever its `limit`; undefined where it trains on all.
 *
 * @throws MaeError `DATA_NOT_FOUND`, `DATA_EMPTY`, `DATA_INVALID` or `CONFIG_INVALID`
 */
export async function openHeldOut(
  settings: DataSettings,
  readers: readonly DataReader[],
  seed: number,
  formats?: readonly string[],
): Promise<Dataset | undefined> {
  // What is measured leaves out any number of broken pictures, and says so.
  const whole = { ...settings, limit: null, limitPerClass: null, onBadImage: 'skip', maxBadImages: Infinity } as const;
  const { heldOut } = await openTrainingData(whole, readers, seed, { formats });
  return heldOut;
}

/** The pictures under a path, of whatever layout. @throws MaeError `DATA_NOT_FOUND`, `DATA_EMPTY` or `DATA_INVALID` */
export async function openPictures(
  path: string,
  readers: readonly DataReader[],
  { followLinks = false }: { readonly followLinks?: boolean } = {},
): Promise<Dataset> {
  const reader = await findReader(path, readers);
  const split = splitToLookAt((await reader.splits?.(path)) ?? []);
  return reader.open(path, { ...(followLinks ? { followLinks } : {}), ...(split === undefined ? {} : { split }) });
}

export interface OpenSplitOptions {
  /** The split to open. */
  readonly split?: string | undefined;
  /** The split to open where none is named and the data has it. */
  readonly preferred?: string;
  /** A reader's name, or `auto`. */
  readonly format?: string | undefined;
  /** Names of readers, the best first, where the path could be of several formats. */
  readonly formats?: readonly string[] | undefined;
  /** How the files are read, as far as their reader takes such settings. */
  readonly layout?: LayoutSettings | undefined;
  /** Whether links may lead out of the data set, whatever the layout's settings say. */
  readonly followLinks?: boolean | undefined;
  /** How their pictures are read. */
  readonly reading?: ReadingSettings | undefined;
}

/**
 * One split of the data at a path.
 *
 * @throws MaeError `DATA_NOT_FOUND`, `DATA_EMPTY`, `DATA_INVALID` or `CONFIG_INVALID`
 */
export async function openSplit(
  path: string,
  readers: readonly DataReader[],
  { split, preferred, format = 'auto', formats, layout, followLinks, reading }: OpenSplitOptions,
): Promise<Dataset> {
  const reader = await findReader(path, readers, namedFormat(format), formats);
  const splits = (await reader.splits?.(path)) ?? [];
  const chosen = split ?? splitToLookAt(splits, preferred);
  const options = layout === undefined ? {} : readerOptionsOf(layout, reader);
  const all = {
    ...options,
    ...(followLinks === true ? { followLinks } : {}),
    ...(chosen === undefined ? {} : { split: chosen }),
  };
  return openLookedAt(reader, path, all, { settings: reading, labels: true, maxBadImages: Infinity });
}

/** Options that hold for another path of the same format: not those that name files of this one. */
function optionsOfOther({ images: _, annotations: __, ...options }: Readonly<Record<string, unknown>>) {
  return options;
}

function namedFormat(format: string): string | undefined {
  return format === 'auto' ? undefined : format;
}
