import type { DataFault } from '../../contracts/data-fault.js';
import type { DataReader, OpenOptions } from '../../contracts/data-reader.js';
import type { Dataset } from '../../contracts/dataset.js';
import { openingFaults } from '../../data/coco/faults.js';
import { type InstanceAnnotations, isInstances } from '../../data/targets/instance-target.js';
import { examinePictures } from '../../data/tools/examine-pictures.js';
import { examineSplits } from '../../data/tools/examine-splits.js';
import { decodeOptionsOf, type ReadingSettings } from '../settings/data-settings.js';

/** How closely data is looked at before it is used. */
export interface Look {
  /** How pictures are read; default as in new settings. */
  readonly settings: ReadingSettings | undefined;
  /** Whether labels matter. */
  readonly labels: boolean;
  /** Pictures that may be passed over; default as the settings say for training. Where each counts once, any number may. */
  readonly maxBadImages?: number;
}

/** Pictures of a data set that are opened before its use, spread over it, and the largest that are decoded whole. */
const LOOKED_AT = 96;
const MAX_PIXELS_READ = 1 << 19;

/** What the loader says of each picture, when it comes to it. */
const SAID_LATER = new Set([
  ...['picture-unreadable', 'picture-size-differs', 'index-map-unusable', 'picture-large', 'picture-of-several'],
]);

/**
 * A data set as its reader opens it, after a look at some of its pictures and labels, the same as `checkData` takes at
 * all of them.
 *
 * @throws MaeError as the reader, and for the first thing that a check would call an error
 */
export async function openLookedAt(
  reader: DataReader,
  path: string,
  options: OpenOptions,
  { settings, labels, maxBadImages }: Look,
): Promise<Dataset> {
  const opened = labels ? await reader.open(path, options) : await openWithoutLabels(reader, path, options);
  const { report, warnings } = openingFaults(undefined);
  const { frame } = await examinePictures(
    opened,
    {
      count: LOOKED_AT,
      labels,
      maxPixelsRead: MAX_PIXELS_READ,
      ...(settings === undefined ? {} : { decode: decodeOptionsOf(settings, 3) }),
      maxBadImages: maxBadImages ?? (settings?.onBadImage === 'fail' ? 0 : (settings?.maxBadImages ?? undefined)),
    },
    (fault) => {
      if (fault.severity === 'error' || !SAID_LATER.has(fault.code)) report(fault);
    },
  );
  const data = frame === 'turned' ? withSwappedSizes(opened) : opened;
  return changed(data, { warnings: [...data.warnings, ...warnings()] });
}

/** What the splits have in common; a line for each oddity. @throws MaeError for what a check calls an error */
export function lookAtSplits(splits: readonly Dataset[], { labels }: Look): string[] {
  if (!labels) return [];
  const { report, warnings } = openingFaults(undefined);
  examineSplits(splits, report);
  return warnings();
}

/** The pictures, whatever is wrong with their labels: how many faults these have is said in one line. */
async function openWithoutLabels(reader: DataReader, path: string, options: OpenOptions): Promise<Dataset> {
  const faults: DataFault[] = [];
  let count = 0;
  const opened = await reader.open(path, {
    ...options,
    reportFault: (fault) => {
      if (fault.severity === 'error') count++;
      else if (faults.length < 5 && !fault.code.startsWith('box-')) faults.push(fault);
    },
  });
  const left = count === 0 ? [] : [`${opened.name}: ${count} faults of the labels, which pretraining does not need`];
  const lines = faults.map(({ file, subject, problem, action }) => `${file}, ${subject}: ${problem} — ${action}`);
  return changed(opened, { warnings: [...opened.warnings, ...lines, ...left] });
}

/** The data with objects whose picture may lie on its side of what their file says. */
function withSwappedSizes(data: Dataset): Dataset {
  const swapped = (instances: InstanceAnnotations): InstanceAnnotations => ({ ...instances, sizeMayBeSwapped: true });
  return changed(data, {
    item: (index) => {
      const item = data.item(index);
      const { target } = item;
      if (isInstances(target)) return { ...item, target: swapped(target) };
      const inner =
        typeof target === 'object' && target !== null && 'instances' in target ? target.instances : undefined;
      return isInstances(inner) ? { ...item, target: { ...(target as object), instances: swapped(inner) } } : item;
    },
  });
}

/** The data set with some of its parts changed; a reader of a plugin may give an object of a class. */
function changed(data: Dataset, parts: Partial<Pick<Dataset, 'item' | 'warnings'>>): Dataset {
  const { name, size, classNames, classIds, layout, labelling, missing, warnings } = data;
  return {
    ...data,
    ...{ name, size, warnings, item: (index) => data.item(index) },
    ...(classNames === undefined ? {} : { classNames }),
    ...(classIds === undefined ? {} : { classIds }),
    ...(layout === undefined ? {} : { layout }),
    ...(labelling === undefined ? {} : { labelling }),
    ...(missing === undefined ? {} : { missing }),
    ...parts,
  };
}
