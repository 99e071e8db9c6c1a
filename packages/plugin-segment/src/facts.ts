import {
  type Dataset,
  type InstanceAnnotations,
  loadSemanticTarget,
  MaeError,
  readLabelMap,
  type SemanticSource,
} from '@mae-tasks/core-mae/task';
import { IGNORE_INDEX } from './loss.js';
import type { SegmentSettings } from './settings.js';

/** What the segmenter needs to know of its training data. */
export interface SegmentFacts {
  readonly classNames: readonly string[];
  /** Whether class 0 is what is no object, and is not coloured. */
  readonly background: boolean;
  /** What the data's files call class 0: 1 where 0 means "other", as in ADE20K. */
  readonly firstValue: 0 | 1;
  /** Share of each class in the counted pixels of the pictures that were looked at. */
  readonly frequencies: readonly number[];
}

/** Pictures whose classes are counted, spread over the data; more where the loss is weighed by the counts. */
const COUNTED_PICTURES = 32;
const COUNTED_FOR_WEIGHTS = 1000;

/**
 * The classes of a training set and how frequent they are.
 *
 * @throws MaeError `DATA_INVALID` where pictures have neither index maps nor objects with masks, where classes are not
 * known, fewer than two or more than 255, or where no pixel is labelled; and for a map that cannot be used
 */
export function examineSegmentation(data: Dataset, settings: SegmentSettings): SegmentFacts {
  const described = describeClasses(data, settings);
  const { classNames } = described;
  if (classNames.length < 2 || classNames.length > IGNORE_INDEX) {
    throw new MaeError('DATA_INVALID', {
      what: `there ${classNames.length === 1 ? `is one class (${classNames[0]})` : `are ${classNames.length} classes`}`,
      where: data.name,
      fix: `segmentation takes 2 to ${IGNORE_INDEX}; value ${IGNORE_INDEX} is for pixels that do not count`,
    });
  }
  const most = settings.loss.classWeights === 'balanced' ? COUNTED_FOR_WEIGHTS : COUNTED_PICTURES;
  return { ...described, frequencies: frequenciesOf(data, settings, classNames.length, most) };
}

/** Names of the classes that a model of this data has, and what its files call them. */
export function describeClasses(
  data: Dataset,
  settings: Pick<SegmentSettings, 'background' | 'classNames'>,
): Omit<SegmentFacts, 'frequencies'> {
  const source = sourceOf(data, 0);
  const names = data.classNames ?? settings.classNames ?? undefined;
  if (names === undefined) {
    throw new MaeError('DATA_INVALID', {
      what: 'the classes of the index maps have no names',
      where: data.name,
      fix: 'list them in classes.txt, a name a line, in the order of their values; or name them by `segment.classNames` or `data.classMap`',
    });
  }
  if ('masks' in source) {
    requireMask(data);
    const background = settings.background === 'class';
    return { classNames: background ? ['background', ...names] : [...names], background, firstValue: 0 };
  }
  const background = 'instances' in source ? source.background === 'class' : names[0] === 'background';
  return { classNames: [...names], background, firstValue: 'path' in source && source.reduceZeroLabel ? 1 : 0 };
}

/**
 * Checks that other data has the classes of the training, in their order.
 *
 * @throws MaeError `DATA_INVALID`
 */
export function requireSameClasses(data: Dataset, facts: SegmentFacts): void {
  const { classNames } = describeClasses(data, {
    background: facts.background ? 'class' : 'ignore',
    classNames: [...facts.classNames],
  });
  const trained = new Set(facts.classNames);
  const unknown = classNames.find((name) => !trained.has(name));
  if (classNames.length === facts.classNames.length && classNames.every((name, at) => name === facts.classNames[at])) {
    return;
  }
  throw new MaeError('DATA_INVALID', {
    what:
      unknown === undefined
        ? `the data has ${classNames.length} classes, not the ${facts.classNames.length} of the training in their order`
        : `the class \`${unknown}\` was not in the training data (${facts.classNames.slice(0, 10).join(', ')}${facts.classNames.length > 10 ? ', …' : ''})`,
    where: data.name,
    fix: 'use data with the classes of the training',
  });
}

function sourceOf(data: Dataset, index: number): SemanticSource {
  const { target, id } = data.item(index);
  const known = ['path', 'labels', 'masks', 'instances'];
  if (typeof target === 'object' && target !== null && known.some((key) => key in target)) {
    return target as SemanticSource;
  }
  throw new MaeError('DATA_INVALID', {
    what: 'the pictures have neither index maps nor objects with masks',
    where: `${data.name}: ${id}`,
    fix: 'segmentation reads folders like ADE20K (images/training, annotations/training) and COCO files with masks',
  });
}

function requireMask(data: Dataset): void {
  let objects = 0;
  for (let index = 0; index < data.size; index++) {
    const { masks } = data.item(index).target as InstanceAnnotations;
    if (masks.some((mask) => mask !== undefined)) return;
    objects += masks.length;
  }
  throw new MaeError('DATA_INVALID', {
    what: objects === 0 ? 'no picture has an object' : `none of the ${objects} objects has a mask`,
    where: data.name,
    fix: 'segmentation learns from pixels: annotate polygons or masks',
  });
}

function frequenciesOf(data: Dataset, settings: SegmentSettings, numClasses: number, most: number): number[] {
  const counts = new Float64Array(numClasses);
  const count = Math.min(most, data.size);
  for (let position = 0; position < count; position++) {
    const index = Math.floor((position * data.size) / count);
    const source = sourceOf(data, index);
    const size = sizeOf(source);
    if (size === undefined) continue;
    const picture = { ...size, id: data.item(index).id };
    const options = { background: settings.background, ignoreIndex: IGNORE_INDEX, numClasses };
    for (const label of loadSemanticTarget(source, picture, options).labels) {
      if (label !== IGNORE_INDEX) counts[label]!++;
    }
  }
  const total = counts.reduce((sum, value) => sum + value, 0);
  if (total === 0) {
    throw new MaeError('DATA_INVALID', {
      what: `no pixel of ${count} pictures is labelled: all are to be ignored`,
      where: data.name,
      fix: `value ${IGNORE_INDEX} is ignored, and 0 too where classes count from 1 (objectInfo.txt)`,
    });
  }
  return Array.from(counts, (value) => value / total);
}

/** The picture's size as its labels have it; undefined where they do not say. */
function sizeOf(source: SemanticSource): { readonly width: number; readonly height: number } | undefined {
  if ('path' in source) return readLabelMap(source.path);
  const sized = 'instances' in source ? source.instances : source;
  return sized.width > 0 ? { width: sized.width, height: sized.height } : undefined;
}

/**
 * The weight of each class in the loss, or undefined where all count the same.
 *
 * @throws MaeError `CONFIG_INVALID` where the number of weights differs from that of the classes
 */
export function classWeightsOf(
  weights: SegmentSettings['loss']['classWeights'],
  { classNames, frequencies }: SegmentFacts,
): readonly number[] | undefined {
  if (weights === null) return undefined;
  if (weights === 'balanced') {
    const present = frequencies.filter((share) => share > 0).sort((a, b) => a - b);
    const median = present[Math.floor(present.length / 2)]!;
    return frequencies.map((share) => (share > 0 ? median / share : 1));
  }
  if (weights.length === classNames.length) return weights;
  throw new MaeError('CONFIG_INVALID', {
    what: `\`segment.loss.classWeights\` has ${weights.length} values for ${classNames.length} classes`,
    fix: `give one for each of ${classNames.slice(0, 10).join(', ')}${classNames.length > 10 ? ', …' : ''}`,
  });
}
