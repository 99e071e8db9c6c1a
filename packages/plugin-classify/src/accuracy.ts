import { confusionMatrixPng, type EvaluationDetails, type Evaluator } from '@mae-tasks/core-mae/task';

/** Up to this many classes every pair of them is counted: 128 MB. */
const MAX_MATRIX_CLASSES = 4096;

/** Where a picture's own class comes among all, best first, from 0. Of equal logits the earlier class comes first. */
export function rankOf(logits: Float32Array, label: number): number {
  const own = logits[label]!;
  let rank = 0;
  for (let index = 0; index < logits.length; index++) {
    const value = logits[index]!;
    // A NaN comes before everything: a broken model is never counted as right.
    if (index !== label && (!(value <= own) || (value === own && index < label))) rank++;
  }
  return rank;
}

/**
 * Gathers `valLoss` (cross entropy without smoothing or weights), `valTop1`, `valTop5` (with more than five classes)
 * and `valPerClass`, the mean of the classes' accuracies, in percent.
 */
export function createAccuracyEvaluator(classNames: readonly string[]): Evaluator {
  const numClasses = classNames.length;
  /** `[true class, predicted class]`; undefined where it would take gigabytes. */
  const confusion = numClasses > MAX_MATRIX_CLASSES ? undefined : new Float64Array(numClasses * numClasses);
  const totals = new Float64Array(numClasses);
  const rights = new Float64Array(numClasses);
  const predictions = new Float64Array(numClasses);
  let [loss, top1, top5, count] = [0, 0, 0, 0];
  return {
    update({ logits }, samples) {
      const values = logits!.data as Float32Array;
      samples.forEach(({ target }, index) => {
        const label = target as number;
        const row = values.subarray(index * numClasses, (index + 1) * numClasses);
        const rank = rankOf(row, label);
        if (rank < 1) top1++;
        if (rank < 5) top5++;
        loss += crossEntropy(row, label);
        const predicted = highest(row);
        totals[label]!++;
        predictions[predicted]!++;
        if (predicted === label) rights[label]!++;
        if (confusion !== undefined) confusion[label * numClasses + predicted]!++;
        count++;
      });
    },
    compute() {
      const percent = (hits: number): number => (100 * hits) / count;
      const classes = [...totals.keys()].flatMap((index) =>
        totals[index] === 0 ? [] : [rights[index]! / totals[index]!],
      );
      return {
        valLoss: loss / count,
        valTop1: percent(top1),
        ...(numClasses > 5 ? { valTop5: percent(top5) } : {}),
        valPerClass: (100 * classes.reduce((sum, value) => sum + value, 0)) / classes.length,
      };
    },
    async details(): Promise<EvaluationDetails> {
      const rows = classNames.map((name, index) => {
        const [total, right, predicted] = [totals[index]!, rights[index]!, predictions[index]!];
        return [
          name,
          total,
          total === 0 ? '' : round((100 * right) / total),
          predicted === 0 ? '' : round((100 * right) / predicted),
        ];
      });
      const drawings =
        confusion === undefined
          ? []
          : [{ name: 'confusion-matrix', png: await confusionMatrixPng(confusion, classNames) }];
      return {
        tables: [{ name: 'classes', columns: ['class', 'pictures', 'recall %', 'precision %'], rows }],
        drawings,
      };
    },
  };
}

/** The class with the highest logit; the first of equal ones. */
export function highest(logits: Float32Array): number {
  let best = 0;
  for (let index = 1; index < logits.length; index++) if (logits[index]! > logits[best]!) best = index;
  return best;
}

/** Probabilities of logits. */
export function softmax(logits: Float32Array): Float64Array {
  const most = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const powers = Float64Array.from(logits, (value) => Math.exp(value - most));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((value) => value / sum);
}

function crossEntropy(logits: Float32Array, label: number): number {
  const most = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  let sum = 0;
  for (const value of logits) sum += Math.exp(value - most);
  return Math.log(sum) + most - logits[label]!;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
