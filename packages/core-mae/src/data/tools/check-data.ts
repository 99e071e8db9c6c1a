/*
 * data/tools/: what `mae-tasks data` does: check (this file), count, crop, split; `convert/` writes COCO files for
 * YOLO and Pascal VOC.
 * Not here: anything that training needs.
 * Called by: the command and scripts, by the door `/run`.
 */

import { existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DataReader } from '../../contracts/data-reader.js';
import type { Dataset } from '../../contracts/dataset.js';
import { MaeError } from '../../base/errors.js';
import type { DecodeOptions } from '../images/image.js';
import { createFaultLog, type FaultLog } from '../coco/faults.js';
import { ade20kReader, type SemanticFolderOptions } from '../readers/ade20k.js';
import { cocoReader, isCocoDataset } from '../readers/coco-instances.js';
import type { CocoLayoutOptions } from '../readers/coco-layout.js';
import { requireNativeLayout } from '../readers/foreign-layouts.js';
import { dataReaders } from '../readers/core-readers.js';
import { idxReader } from '../readers/idx.js';
import { folderReader } from '../readers/image-folder.js';
import { type CheckOptions, checkReport, type CheckReport } from './check-report.js';
import { examinePictures } from './examine-pictures.js';
import { examineSplits } from './examine-splits.js';
import { reportUnlisted } from './unlisted-pictures.js';

export interface CheckDataOptions extends CheckOptions {
  /** The name of its reader. Default: every layout that the path has, and plain pictures where it has no other. */
  readonly format?: string;
  /** Readers besides core's own: those of plugins. Readers of names that core has are left out. */
  readonly readers?: readonly DataReader[];
  /** Default all. */
  readonly split?: string;
  /** Whether links may lead out of the data set. Default false. */
  readonly followLinks?: boolean;
  /** How pictures are read. */
  readonly decode?: DecodeOptions;
  /** Pictures that training may pass over, see `data.maxBadImages`. */
  readonly maxBadImages?: number | undefined;
  /** How files of the layout are read; what a layout does not take is left to the others. */
  readonly layout?: CocoLayoutOptions & SemanticFolderOptions & { readonly classLevel?: number };
}

/** What was found in a data set, by layout. */
export interface CheckedData {
  readonly ok: boolean;
  readonly reports: ReadonlyArray<CheckReport & { readonly format: string }>;
}

/**
 * Every oddity of a data set, whatever its layout: what its reader reports as it opens every split, what the splits have
 * in common, and each of its pictures with its labels. Trainings look at the same, at fewer pictures.
 *
 * @throws MaeError `DATA_NOT_FOUND`, `DATA_EMPTY`, `DATA_INVALID` for a layout that has to be converted, or
 * `CONFIG_INVALID` for a format that no reader has
 */
export async function checkData(path: string, options: CheckDataOptions = {}): Promise<CheckedData> {
  const { format, readers = [], ...rest } = options;
  const own = new Set(dataReaders.map(({ name }) => name));
  const all = [...READERS, ...readers.filter(({ name }) => !own.has(name))];
  const chosen = format === undefined ? await readersOf(path, all) : [readerNamed(format, all)];
  const reports: Array<CheckReport & { format: string }> = [];
  for (const reader of chosen) reports.push({ format: reader.name, ...(await checkLayout(reader, path, rest)) });
  return { ok: reports.every(({ ok }) => ok), reports };
}

/** Core's layouts that are checked file by file. */
const READERS: readonly DataReader[] = [cocoReader, ade20kReader, idxReader, folderReader];

function readerNamed(format: string, readers: readonly DataReader[]): DataReader {
  const found = readers.find(({ name }) => name === format);
  if (found !== undefined) return found;
  throw new MaeError('CONFIG_INVALID', {
    what: `there is no layout "${format}" to check`,
    where: '--format',
    fix: `use one of ${readers.map(({ name }) => name).join(', ')}`,
  });
}

async function checkLayout(
  reader: DataReader,
  path: string,
  options: Omit<CheckDataOptions, 'format'>,
): Promise<CheckReport> {
  const log = createFaultLog(options.limitPerKind);
  const splits = await openSplits(reader, path, options, log);
  examineSplits(splits, log.report);
  const total = splits.reduce((sum, { size }) => sum + size, 0);
  let done = 0;
  for (const split of splits) {
    await examinePictures(
      split,
      {
        maxPixelsRead: (options.decodePictures ?? true) ? Infinity : 0,
        ...(options.decode === undefined ? {} : { decode: options.decode }),
        ...(options.maxBadImages === undefined ? {} : { maxBadImages: options.maxBadImages }),
        reportPicture: () => options.reportProgress?.(++done, total),
      },
      log.report,
    );
  }
  const ofCoco = splits.filter(isCocoDataset);
  const root = statSync(path).isDirectory() ? path : dirname(path);
  await reportUnlisted(ofCoco, root, options.followLinks ?? false, log.report);
  return checkReport(log, {
    files: splits.length,
    pictures: total,
    annotations: splits.reduce((sum, split) => sum + annotationsOf(split), 0),
  });
}

function annotationsOf(split: Dataset): number {
  if (isCocoDataset(split)) return split.annotations.size;
  return split.labelling?.unit === 'pixel' ? split.size : 0;
}

/** The splits as far as they can be used, the one for training first; what their reader has to say goes to the log. */
async function openSplits(
  reader: DataReader,
  path: string,
  { split, layout = {}, followLinks = false }: Omit<CheckDataOptions, 'format'>,
  log: FaultLog,
): Promise<Dataset[]> {
  const given = Object.entries(layout).filter(([name]) => reader.settings?.includes(name) === true);
  const options = { ...Object.fromEntries(given), followLinks, reportFault: log.report };
  const isNamed = split !== undefined || layout.annotations !== undefined;
  const fault = (severity: 'error' | 'warning', code: string, subject: string, problem: string, action: string) => {
    log.report({ severity, code, file: path, subject, problem, action });
  };
  const opened: Dataset[] = [];
  let names: readonly string[];
  try {
    names = isNamed ? [] : ((await reader.splits?.(path)) ?? []);
  } catch (error) {
    if (!(error instanceof MaeError)) throw error;
    fault('error', 'splits-unusable', 'the data', error.message, 'no split of it can be used');
    return [];
  }
  if (names.length > 0 && !names.some((name) => name.startsWith('train'))) {
    fault(
      'warning',
      'no-training-split',
      'the data',
      `none of the splits is for training (there is ${names.join(', ')})`,
      'training ends with an error unless one is named by `data.split`',
    );
  }
  for (const each of names.length === 0 ? [split] : names) {
    try {
      opened.push(await reader.open(path, each === undefined ? options : { ...options, split: each }));
    } catch (error) {
      if (!(error instanceof MaeError)) throw error;
      const subject = each === undefined ? 'the data' : `the split ${each}`;
      fault('error', 'split-unusable', subject, error.message, 'training on it stops with this message');
    }
  }
  return opened;
}

async function readersOf(path: string, readers: readonly DataReader[]): Promise<DataReader[]> {
  if (!existsSync(path)) {
    throw new MaeError('DATA_NOT_FOUND', {
      what: 'there is no such file or folder',
      where: path,
      fix: 'check the path',
    });
  }
  const found: DataReader[] = [];
  for (const reader of readers) if (await reader.recognizes(path)) found.push(reader);
  const special = found.filter((reader) => reader !== folderReader);
  if (special.length > 0) return special;
  requireNativeLayout(path);
  if (found.length > 0) return found;
  throw new MaeError('DATA_EMPTY', { what: 'there are no pictures', where: path, fix: 'check the path' });
}
