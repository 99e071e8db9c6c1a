import { MaeError } from '../../base/errors.js';

export interface MeanIouOptions {
  /** K: predictions and labels are 0 … K − 1. */
  readonly numClasses: number;
  /** Labels of this value are not counted. Default 255. */
  readonly ignoreIndex?: number;
  readonly classNames?: readonly string[];
}

export interface ClassIou {
  readonly name: string;
  /** Intersection over union of all pixels of the set; NaN where the class neither occurs nor is predicted. */
  readonly iou: number;
  /** Share of the class's pixels that are found; NaN where it does not occur. */
  readonly accuracy: number;
}

export interface MeanIouResult {
  /** Share of all pixels that are right. */
  readonly aAcc: number;
  /** Mean over the classes where it is defined. */
  readonly mIoU: number;
  /** Mean over the classes that occur. */
  readonly mAcc: number;
  readonly perClass: readonly ClassIou[];
}

export interface MeanIou {
  /**
   * Counts one picture.
   *
   * @param name of the picture, for messages
   * @throws MaeError `SHAPE_MISMATCH` for maps of two sizes, `DATA_INVALID` for a value that is no class
   */
  update(prediction: ArrayLike<number>, labels: ArrayLike<number>, name: string): void;
  compute(): MeanIouResult;
  /** `[K, K]`: pixels by label (row) and prediction (column). */
  readonly confusion: Float64Array;
}

/** ADE20K's full list has 3,688 classes. Every pair of them is counted: 800 MB. */
const MAX_CLASSES = 10_000;

/**
 * An evaluator of semantic segmentation: one confusion matrix over the whole set, and from it aAcc, mIoU and mAcc as
 * mmsegmentation's `IoUMetric` defines them (absent classes are left out of means).
 */
export function createMeanIou({ numClasses, ignoreIndex = 255, classNames = [] }: MeanIouOptions): MeanIou {
  if (!Number.isInteger(numClasses) || numClasses < 1) {
    throw new MaeError('CONFIG_INVALID', { what: `\`numClasses\` (=${numClasses}) must be a whole number from 1` });
  }
  if (numClasses > MAX_CLASSES) {
    throw new MaeError('DATA_INVALID', {
      what: `there are ${numClasses} classes, and at most ${MAX_CLASSES} are compared`,
      fix: 'check the list of classes',
    });
  }
  const confusion = new Float64Array(numClasses * numClasses);
  return {
    confusion,
    update(prediction, labels, name) {
      if (prediction.length !== labels.length) {
        throw new MaeError('SHAPE_MISMATCH', {
          what: `${prediction.length} predictions for ${labels.length} labels`,
          where: name,
          fix: 'predict at the size of the labels',
        });
      }
      for (let i = 0; i < labels.length; i++) {
        const label = labels[i]!;
        if (label === ignoreIndex) continue;
        const predicted = prediction[i]!;
        if (!(label < numClasses)) throw noClass('label', label, name, numClasses, ignoreIndex);
        if (!(predicted < numClasses)) throw noClass('prediction', predicted, name, numClasses, ignoreIndex);
        confusion[label * numClasses + predicted]! += 1;
      }
    },
    compute: () => summarize(confusion, numClasses, classNames),
  };
}

function noClass(kind: string, value: number, name: string, numClasses: number, ignoreIndex: number): MaeError {
  const isBinary = value === 255 ? '; masks of 0 and 255 need 255 turned into 1' : '';
  return new MaeError('DATA_INVALID', {
    what: `a ${kind} is ${value}, but there are ${numClasses} classes`,
    where: name,
    fix: `values are 0 … ${numClasses - 1}, or ${ignoreIndex} to be ignored${isBinary}; check \`data.reduceZeroLabel\``,
  });
}

function summarize(confusion: Float64Array, numClasses: number, classNames: readonly string[]): MeanIouResult {
  const perClass: ClassIou[] = [];
  let right = 0;
  let total = 0;
  for (let k = 0; k < numClasses; k++) {
    let labelled = 0;
    let predicted = 0;
    for (let other = 0; other < numClasses; other++) {
      labelled += confusion[k * numClasses + other]!;
      predicted += confusion[other * numClasses + k]!;
    }
    const both = confusion[k * numClasses + k]!;
    right += both;
    total += labelled;
    perClass.push({
      name: classNames[k] ?? `class ${k}`,
      iou: both / (labelled + predicted - both),
      accuracy: both / labelled,
    });
  }
  return {
    aAcc: right / total,
    mIoU: meanOfDefined(perClass.map(({ iou }) => iou)),
    mAcc: meanOfDefined(perClass.map(({ accuracy }) => accuracy)),
    perClass,
  };
}

/** NaN where nothing is defined. */
function meanOfDefined(values: readonly number[]): number {
  const defined = values.filter((value) => !Number.isNaN(value));
  return defined.reduce((sum, value) => sum + value, 0) / defined.length;
}
