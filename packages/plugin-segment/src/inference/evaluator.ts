import {
  confusionMatrixPng,
  createMeanIou,
  type Evaluator,
  type LabelMap,
  MaeError,
  type MeanIouResult,
} from '@mae-tasks/core-mae/task';
import type { SegmentFacts } from '../facts.js';
import { IGNORE_INDEX } from '../loss.js';

/**
 * Gathers `valMIoU`, `valMAcc` and `valAAcc` over the pixels of the whole data set, in percent (mmsegmentation's
 * `IoUMetric`), and in detail each class's and the confusion matrix.
 */
export function createSegmentEvaluator({ classNames }: SegmentFacts): Evaluator<readonly LabelMap[]> {
  const numClasses = classNames.length;
  const meanIou = createMeanIou({ numClasses, ignoreIndex: IGNORE_INDEX, classNames });
  const compute = (): MeanIouResult => {
    if (meanIou.confusion.every((count) => count === 0)) {
      throw new MaeError('DATA_INVALID', {
        what: 'no pixel of the pictures is labelled: there is nothing to measure',
        fix: `value ${IGNORE_INDEX} is ignored, and 0 too where classes count from 1`,
      });
    }
    return meanIou.compute();
  };
  return {
    update(found, samples) {
      samples.forEach(({ target, id }, index) => {
        meanIou.update(found[index]!.labels, (target as LabelMap).labels, id);
      });
    },
    compute() {
      const { mIoU, mAcc, aAcc } = compute();
      return { valMIoU: 100 * mIoU, valMAcc: 100 * mAcc, valAAcc: 100 * aAcc };
    },
    async details() {
      const { perClass } = compute();
      const total = meanIou.confusion.reduce((sum, count) => sum + count, 0);
      const rows = perClass.map(({ name, iou, accuracy }, index) => {
        const own = meanIou.confusion.subarray(index * numClasses, (index + 1) * numClasses);
        const labelled = own.reduce((sum, count) => sum + count, 0);
        return [name, percent(labelled / total), percent(iou), percent(accuracy)];
      });
      return {
        tables: [{ name: 'classes', columns: ['class', 'pixels %', 'IoU %', 'accuracy %'], rows }],
        drawings: [
          {
            name: 'confusion-matrix',
            png: await confusionMatrixPng(meanIou.confusion, classNames, { cells: 'percent' }),
          },
        ],
      };
    },
  };
}

/** Empty where it is not defined: a class that does not occur. */
function percent(share: number): number | string {
  return Number.isNaN(share) ? '' : Math.round(10_000 * share) / 100;
}
