import type { DataReader } from '../../contracts/data-reader.js';
import type { Dataset } from '../../contracts/dataset.js';
import { findReader, openDataset } from '../../data/readers/open-dataset.js';
import { splitDataset, splitFold, takeSample, takeSamplePerClass } from '../../data/readers/split.js';
import { createRandom } from '../../base/random.js';
import type { DataSettings } from '../settings/data-settings.js';
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

/**
 * The training and the held-out pictures that the settings name.
 *
 * @param formats names of readers, the best first, where the path could be of several formats
 * @throws MaeError `DATA_NOT_FOUND`, `DATA_EMPTY`, `DATA_INVALID` or `CONFIG_INVALID`
 */
export async function openTrainingData(
  settings: DataSettings,
  readers: readonly DataReader[],
  seed: number,
  formats?: readonly string[],
): Promise<OpenedPictures> {
  const { path, format, val, valFraction, folds, fold, limit, limitPerClass } = settings;
  const random = createRandom(seed).fork('data');
  const reader = await findReader(path, readers, namedFormat(format), formats);
  requireTakenSettings(settings, reader, readers);
  const options = readerOptionsOf(settings, reader);
  const whole = await reader.open(path, options);
  let train: Dataset = whole;
  let heldOut: Dataset | undefined;
  let heldOutBy: string | undefined;
  const warnings = [...whole.warnings];
  if (folds !== null && fold !== null) {
    ({ train, heldOut } = splitFold(whole, folds, fold, random));
    heldOutBy = `part ${fold + 1} of ${folds}`;
  } else if (val !== null) {
    heldOut = await openDataset(val, readers, { ...optionsOfOther(options), format: reader.name });
    heldOutBy = val;
    append(warnings, heldOut.warnings);
  } else if (options.annotations === undefined && (await reader.splits?.(path))?.includes('val') === true) {
    heldOut = await reader.open(path, { ...options, split: 'val' });
    heldOutBy = "the data's own val split";
    append(warnings, heldOut.warnings);
  } else if (valFraction > 0) {
    ({ train, heldOut } = splitDataset(whole, valFraction, random));
    heldOutBy = `${Number((100 * valFraction).toPrecision(3))} % of the pictures, by the seed`;
  }
  if (limitPerClass !== null) train = takeSamplePerClass(train, limitPerClass, random.fork('train'));
  if (limit !== null) {
    train = takeSample(train, limit, random.fork('train'));
    heldOut &&= takeSample(heldOut, limit, random.fork('val'));
  }
  return { train, heldOut, heldOutBy, warnings };
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
  const { heldOut } = await openTrainingData({ ...settings, limit: null, limitPerClass: null }, readers, seed, formats);
  return heldOut;
}

/** The pictures under a path, of whatever layout. @throws MaeError `DATA_NOT_FOUND`, `DATA_EMPTY` or `DATA_INVALID` */
export function openPictures(path: string, readers: readonly DataReader[]): Promise<Dataset> {
  return openDataset(path, readers);
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
}

/**
 * One split of the data at a path.
 *
 * @throws MaeError `DATA_NOT_FOUND`, `DATA_EMPTY`, `DATA_INVALID` or `CONFIG_INVALID`
 */
export async function openSplit(
  path: string,
  readers: readonly DataReader[],
  { split, preferred, format = 'auto', formats, layout }: OpenSplitOptions,
): Promise<Dataset> {
  const reader = await findReader(path, readers, namedFormat(format), formats);
  const splits = (await reader.splits?.(path)) ?? [];
  const chosen = split ?? (preferred !== undefined && splits.includes(preferred) ? preferred : undefined);
  const options = layout === undefined ? {} : readerOptionsOf(layout, reader);
  return reader.open(path, { ...options, ...(chosen === undefined ? {} : { split: chosen }) });
}

/** Options that hold for another path of the same format: not those that name files of this one. */
function optionsOfOther({ images: _, annotations: __, ...options }: Readonly<Record<string, unknown>>) {
  return options;
}

function namedFormat(format: string): string | undefined {
  return format === 'auto' ? undefined : format;
}
