import type { FinishedRun, Runner } from './runner.js';
import { markdownTable, meanOf } from './results.js';

/** The two beginnings that are compared, at the same budget. */
export const ARMS = ['pretrained', 'from scratch'] as const;
export type Arm = (typeof ARMS)[number];

/** How long a task trains, on how much, and how many times the comparison is made. */
export interface Budget {
  /** Labelled pictures that fine-tuning sees; pretraining sees all. */
  readonly labelled: number;
  readonly epochs: number;
  readonly seeds: readonly number[];
  /** Default both; one alone shows how far it comes. */
  readonly arms?: readonly Arm[];
}

/** A fine-tuning that has ended. */
export interface Measured {
  readonly arm: Arm;
  readonly labelled: number;
  readonly seed: number;
  readonly run: FinishedRun;
}

export interface Comparison {
  readonly task: 'segment' | 'detect';
  /** Settings of fine-tuning: a file, relative to the repository. */
  readonly config: string;
  /** The pretrained run's folder. */
  readonly checkpoint: string;
  readonly budgets: readonly Budget[];
}

/** Fine-tunes from the checkpoint and from random weights, at each budget and seed. */
export function compareArms(runner: Runner, comparison: Comparison): Promise<Measured[]> {
  const { task, config, checkpoint, budgets } = comparison;
  const finetune = async (arm: Arm, { labelled, epochs }: Budget, seed: number): Promise<Measured> => {
    const command = [
      ...['finetune', task, '--config', config],
      ...['--limit', String(labelled), '--epochs', String(epochs), '--seed', String(seed)],
      // Layers that know nothing yet all learn at the same rate.
      ...(arm === 'pretrained' ? ['--checkpoint', checkpoint] : ['--set', 'optimizer.layerDecay=1']),
    ];
    // The weights of one seed are measured by class, and drawn with.
    const options = { keepWeights: seed === 0 };
    const run = await runner.run(`${arm.replaceAll(' ', '-')}-${labelled}x${epochs}-seed${seed}`, command, options);
    return { arm, labelled, seed, run };
  };
  const plans = budgets.flatMap((budget) =>
    budget.seeds.flatMap((seed) => (budget.arms ?? ARMS).map((arm) => ({ arm, budget, seed }))),
  );
  return Promise.all(plans.map(({ arm, budget, seed }) => finetune(arm, budget, seed)));
}

/** A row for each arm and budget: mean, deviation and values over the seeds. @param metrics names and titles */
export function comparisonTable(
  measured: readonly Measured[],
  budgets: readonly Budget[],
  metrics: ReadonlyArray<readonly [metric: string, title: string]>,
  digits: number,
): string {
  const cell = (values: readonly number[]): string => {
    const all = values.map((value) => value.toFixed(digits)).join(', ');
    const { mean, deviation } = meanOf(values);
    return values.length === 1 ? all : `${mean.toFixed(digits)} ± ${deviation.toFixed(digits)} (${all})`;
  };
  const rows = budgets.flatMap(({ labelled, epochs, arms = ARMS }) =>
    arms.map((arm) => {
      const runs = measured.filter((each) => each.arm === arm && each.labelled === labelled);
      const cells = metrics.map(([metric]) => cell(runs.map(({ run }) => run.metrics[metric]!)));
      return [`${arm}, ${labelled} labelled pictures × ${epochs} epochs`, ...cells];
    }),
  );
  return markdownTable(['', ...metrics.map(([, title]) => title)], rows);
}
