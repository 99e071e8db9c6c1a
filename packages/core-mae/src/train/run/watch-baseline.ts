import type { Objective } from '../../contracts/objective.js';
import type { StepRecord } from '../loop/training.js';

/** How far from the baseline counts as having left it: a share of its value. */
const LEFT = 0.03;
/** Share of the training after which a run that has not left its baseline is told so. */
const PATIENCE = 0.3;

/** Watches whether a training leaves what a model reaches that has learned nothing. */
export interface BaselineWatch {
  step(record: StepRecord): void;
  /**
   * To be called at every epoch's end. @param metrics of its evaluation; empty where there was none
   * @returns what to tell the user, once a run
   */
  epochEnd(epoch: number, metrics: Readonly<Record<string, number>>): string | undefined;
  /**
   * What is to be said of the weights as they are now, without numbers, so that a resumed run says the same; undefined
   * where they have left the baseline.
   */
  standing(): string | undefined;
}

export function watchBaseline({ baseline }: Objective, epochs: number): BaselineWatch {
  if (baseline === undefined) return { step: () => undefined, epochEnd: () => undefined, standing: () => undefined };
  const { metric, better, value, of, advice } = baseline;
  const sums = new Map<string, number>();
  let steps = 0;
  let epochLoss: number | undefined;
  let told = false;
  let standing: string | undefined;
  const meanOf = (name: string): number | undefined => {
    // A checkpoint keeps the sum of an epoch's losses: their mean does not depend on where a run was resumed.
    if (name === 'loss') return epochLoss;
    const sum = sums.get(name);
    return sum === undefined || steps === 0 ? undefined : sum / steps;
  };
  return {
    step(record) {
      steps++;
      epochLoss = record.epochLoss;
      for (const [name, each] of Object.entries(record.terms)) sums.set(name, (sums.get(name) ?? 0) + each);
    },
    epochEnd(epoch, metrics) {
      const reached = metrics[metric] ?? meanOf(metric);
      const bound = typeof value === 'number' ? value : meanOf(value);
      sums.clear();
      steps = 0;
      epochLoss = undefined;
      if (reached === undefined || bound === undefined) return undefined;
      const stays = better === 'lower' ? reached > bound * (1 - LEFT) : reached < bound * (1 + LEFT);
      standing = stays ? `\`${metric}\` had not left that of ${of}` : undefined;
      if (!stays || told || epoch < epochs * PATIENCE) return undefined;
      told = true;
      const values = `(=${reached.toPrecision(3)}) has not left that of ${of} (${bound.toPrecision(3)})`;
      return `after epoch ${epoch} of ${epochs}, \`${metric}\` ${values}: nothing is learned yet — ${advice}`;
    },
    standing: () => standing,
  };
}
