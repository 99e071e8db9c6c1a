import type { DataFault, ReportFault } from '../../contracts/data-fault.js';
import type { Dataset, Item } from '../../contracts/dataset.js';
import { MaeError } from '../../base/errors.js';
import { type DecodeOptions, type OpenedImage, openImage } from '../images/image.js';
import { defaultMaxBadImages } from '../loading/bad-images.js';
import { checkAnnotatedSize, type InstanceAnnotations, isInstances } from '../targets/instance-target.js';
import { readLabelMap } from '../targets/label-map.js';
import type { LabelValues } from '../targets/label-values.js';
import { createValueSurvey, type ValueSurvey } from './examine-values.js';
import { loadLabels, type SemanticAnnotation } from '../targets/semantic-target.js';
import {
  type AnnotatedFrame,
  boxesFit,
  createOrientationVotes,
  isSwapped,
  type OrientationVotes,
} from './orientation-votes.js';

export interface ExamineOptions {
  /** How pictures are read. */
  readonly decode?: DecodeOptions;
  /** Pictures of up to this many pixels are decoded to the last; of larger ones the header is read. Default 0. */
  readonly maxPixelsRead?: number;
  /** Pictures that are looked at, spread over the data. Default all. */
  readonly count?: number;
  /** Whether labels matter: to pretraining they do not. Default true. */
  readonly labels?: boolean;
  /** Pictures that may be passed over, see `data.maxBadImages`; 0 where each must be readable. */
  readonly maxBadImages?: number | undefined;
  /** Called after each picture. */
  readonly reportPicture?: (() => void) | undefined;
}

/** What is known of a data set once its pictures have been looked at. */
export interface ExaminedPictures {
  /** What boxes were drawn on, where the file's sizes are swapped. */
  readonly frame: AnnotatedFrame | undefined;
}

/**
 * Looks at pictures and labels as training is going to meet them: files that cannot be read, labels that are for another
 * picture, values that are no class. Pictures that training passes over are warnings, up to the number that it passes
 * over; what would stop it is an error.
 */
export async function examinePictures(
  data: Dataset,
  options: ExamineOptions,
  report: ReportFault,
): Promise<ExaminedPictures> {
  const { count = data.size, labels = true, maxBadImages = defaultMaxBadImages(data.size) } = options;
  const looked = Math.min(count, data.size);
  const log = startLog(data, maxBadImages, report);
  for (let place = 0; place < looked; place++) {
    const item = data.item(Math.floor((place * data.size) / looked));
    await examineItem(item, options, labels, log);
    options.reportPicture?.();
  }
  log.survey.report(log.fault, looked);
  reportNotes(log);
  reportTooMany(log, looked, maxBadImages);
  if (labels) reportIndexMaps(log);
  return { frame: reportOrientation(log, options.decode?.orient ?? true) };
}

interface Log {
  readonly data: Dataset;
  readonly fault: (
    severity: DataFault['severity'],
    code: string,
    subject: string,
    problem: string,
    action: string,
  ) => void;
  readonly passedOver: string;
  readonly votes: OrientationVotes;
  readonly survey: ValueSurvey;
  /** How many pictures each sentence about pictures of a kind holds for. */
  readonly notes: Map<string, number>;
  /** Pictures that are laid on their side where they are used as stored, and whose boxes fit the turned picture only. */
  boxesOfTurned: number;
  bad: number;
  lastBad: string;
  /** Values that occur in index maps, and how these are read. */
  readonly values: Set<number>;
  /** Pictures whose labels stop a training. */
  readonly unusable: Array<{ readonly id: string; readonly message: string }>;
  labelValues: LabelValues | undefined;
}

function startLog(data: Dataset, limit: number, report: ReportFault): Log {
  return {
    data,
    fault: (severity, code, subject, problem, action) => {
      report({ severity, code, file: data.name, subject, problem, action });
    },
    passedOver:
      limit === 0
        ? 'no picture may be passed over'
        : `left out; training stops at more than ${limit} of them (\`data.maxBadImages\`)`,
    votes: createOrientationVotes(),
    survey: createValueSurvey(),
    notes: new Map(),
    boxesOfTurned: 0,
    bad: 0,
    lastBad: '',
    values: new Set(),
    unusable: [],
    labelValues: undefined,
  };
}

async function examineItem(item: Item, options: ExamineOptions, labels: boolean, log: Log): Promise<void> {
  const { id, image, target } = item;
  try {
    const opened = await openImage(image, options.decode);
    if (opened.warning !== undefined) log.fault('warning', 'picture-large', id, opened.warning, 'used as it is');
    for (const note of opened.notes ?? []) log.notes.set(note, (log.notes.get(note) ?? 0) + 1);
    await readWhole(opened, options.maxPixelsRead ?? 0, log.survey);
    if (!labels) return;
    const size = { width: opened.width, height: opened.height, id };
    const instances = instancesOf(target);
    if (instances !== undefined) await examineObjects(instances, size, item, options, log);
    else if (isIndexMap(target)) {
      log.labelValues = target;
      for (const value of readLabelMap(target.path).labels) log.values.add(value);
      loadLabels(target, size);
    }
  } catch (error) {
    if (!(error instanceof MaeError)) throw error;
    const isPassedOver = error.code === 'IMAGE_INVALID' || error.code === 'IMAGE_TOO_LARGE';
    if (!isPassedOver) {
      log.unusable.push({ id, message: error.message });
      return;
    }
    log.bad++;
    log.lastBad = error.message;
    log.fault('warning', codeOf(error, target), id, error.message, log.passedOver);
  }
}

/** Pictures of more than 8 bits whose values are looked at however large they are. */
const VALUES_LOOKED_AT = 16;

async function readWhole(opened: OpenedImage, maxPixels: number, survey: ValueSurvey): Promise<void> {
  const isSmall = opened.width * opened.height <= maxPixels;
  if (opened.values === undefined) {
    if (isSmall) await opened.read();
    return;
  }
  if (!isSmall && survey.count() >= VALUES_LOOKED_AT) return;
  const values = await opened.values();
  survey.add(values);
  // Without a range it cannot be read, which is said for all of them at once.
  if (isSmall && values.chosen !== undefined) await opened.read();
}

/** @throws MaeError `IMAGE_INVALID` where the picture is of another size than its entry says */
async function examineObjects(
  instances: InstanceAnnotations,
  size: { readonly width: number; readonly height: number; readonly id: string },
  { image }: Item,
  { decode = {} }: ExamineOptions,
  log: Log,
): Promise<void> {
  if (instances.width === 0 || instances.height === 0) {
    log.fault(
      'warning',
      'image-size-missing',
      size.id,
      'has no width and height in the file',
      'outlines of its objects cannot be drawn without the picture',
    );
  }
  if (isSwapped(instances, size)) {
    log.votes.add(instances, size);
    return;
  }
  checkAnnotatedSize(instances, size);
  if (decode.orient !== false || boxesFit(instances, size)) return;
  const turned = await openImage(image, { ...decode, orient: true });
  if (isSwapped(turned, size) && boxesFit(instances, turned)) log.boxesOfTurned++;
}

function codeOf(error: MaeError, target: unknown): string {
  if (isIndexMap(target) && error.where === target.path) return 'index-map-unusable';
  return instancesOf(target) !== undefined && error.what.startsWith('the picture is ')
    ? 'picture-size-differs'
    : 'picture-unreadable';
}

function instancesOf(target: unknown): InstanceAnnotations | undefined {
  if (isInstances(target)) return target;
  const inner = typeof target === 'object' && target !== null && 'instances' in target ? target.instances : undefined;
  return isInstances(inner) ? inner : undefined;
}

function isIndexMap(target: unknown): target is SemanticAnnotation {
  return typeof target === 'object' && target !== null && 'path' in target && 'ignoreIndex' in target;
}

function reportNotes({ fault, notes }: Log): void {
  for (const [note, count] of notes) {
    fault('warning', 'picture-of-several', count === 1 ? '1 picture' : `${count} pictures`, `${note}`, 'used so');
  }
}

function reportTooMany({ data, fault, bad, lastBad }: Log, looked: number, limit: number): void {
  const missing = data.missing?.length ?? 0;
  const [more = ''] = data.missing ?? [];
  const last = lastBad === '' ? `${more} is not there` : lastBad;
  const total = bad + missing;
  if (total > limit) {
    const which = limit === 0 ? 'and none may be passed over' : `more than \`data.maxBadImages\` (=${limit})`;
    fault(
      'error',
      'too-many-bad-pictures',
      'the data',
      `${total} pictures cannot be used, ${which}; the last: ${last}`,
      'repair or remove them, or raise the limit',
    );
  } else if (bad > 0 && bad === looked) {
    fault('error', 'no-usable-picture', 'the data', `no picture can be used; the last: ${last}`, 'check the pictures');
  }
}

/** What the values of all maps say together, or else which maps cannot be used. */
function reportIndexMaps(log: Log): void {
  const { data, fault, values, unusable } = log;
  const names = data.classNames ?? [];
  const found = [...values].sort((a, b) => a - b);
  if (unusable.length > 0 && found.length === names.length && found.length > 1) {
    const map = found.map((value, index) => `${value}: ${names[index]!}`).join(', ');
    fault(
      'error',
      'values-are-not-classes',
      'the index maps',
      `hold the values ${shortList(found)} for ${names.length} classes, which are numbered from 0`,
      `name the class of each by \`data.classMap\`, such as --set 'data.classMap={${map}}', or write the maps again`,
    );
    return;
  }
  for (const { id, message } of unusable) {
    fault('error', 'labels-unusable', id, message, 'training stops with this message');
  }
  reportBinaryMasks(log);
}

function shortList(values: readonly number[]): string {
  return values.length <= 8 ? values.join(', ') : `${values.slice(0, 6).join(', ')}, … ${values.at(-1)!}`;
}

function reportBinaryMasks({ fault, values, labelValues }: Log): void {
  if (labelValues === undefined || labelValues.classMap !== undefined || labelValues.ignoreIndex !== 255) return;
  if (!values.has(0) || !values.has(255) || ![...values].every((value) => value === 0 || value === 255)) return;
  fault(
    'error',
    'binary-masks',
    'the index maps',
    'hold nothing but 0 and 255, and 255 is ignored: there is only one class to learn',
    "name both by `data.classMap`: --set 'data.classMap={0: background, 255: object}'",
  );
}

/** Says what sizes that are swapped mean, with the evidence; what boxes were drawn on, where that is known. */
function reportOrientation({ fault, votes, boxesOfTurned }: Log, orient: boolean): AnnotatedFrame | undefined {
  if (boxesOfTurned > 0) {
    fault(
      'error',
      'annotated-turned',
      `${boxesOfTurned} pictures`,
      'have boxes that pass the edge of the stored picture and fit the one that EXIF turns',
      'they were drawn on the turned pictures: leave out `data.orient`=false',
    );
    return undefined;
  }
  if (votes.swapped === 0) return undefined;
  const subject = votes.swapped === 1 ? '1 picture' : `${votes.swapped} pictures`;
  const { turned, stored } = votes.votes;
  const frame = votes.frame();
  if (frame === 'turned') {
    fault(
      'warning',
      'sizes-swapped',
      subject,
      `width and height are swapped in the file: boxes of ${turned} pass the size that it says, and fit the picture as it is shown`,
      'the boxes are for the turned picture and used so',
    );
    return frame;
  }
  const swap = 'swap width and height in the file where they were drawn on the turned picture';
  if (frame === 'stored') {
    fault(
      'error',
      'annotated-without-orientation',
      subject,
      `annotated without the EXIF orientation: boxes of ${stored} fit the stored picture only`,
      orient ? 'set `data.orient`=false' : swap,
    );
    return frame;
  }
  const evidence =
    turned === 0 ? 'the boxes fit either' : `boxes of ${turned} pictures speak for the one, of ${stored} for the other`;
  fault(
    'error',
    'size-swapped-or-turned',
    subject,
    `width and height are each other's in the file: its sizes are swapped, or it was annotated without the EXIF orientation (${evidence})`,
    `set \`data.orient\`=false where boxes were drawn on the stored picture; ${swap}`,
  );
  return undefined;
}
