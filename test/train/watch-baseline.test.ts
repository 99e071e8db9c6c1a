import { describe, expect, it } from 'vitest';
import type { Baseline, Objective } from '#core/contracts/objective.js';
import type { StepRecord } from '#core/train/loop/training.js';
import { watchBaseline } from '#core/train/run/watch-baseline.js';

const objectiveWith = (baseline: Partial<Baseline>): Objective =>
  ({
    baseline: { metric: 'loss', better: 'lower', value: 1, of: 'a stone', advice: 'wait', ...baseline },
  }) as unknown as Objective;
const step = (epochLoss: number, terms = {}): StepRecord => ({ epochLoss, terms }) as unknown as StepRecord;

describe('the watch for a training that learns nothing', () => {
  it('tells once, after three tenths of the training, and names value, bound and advice', () => {
    const watch = watchBaseline(objectiveWith({}), 10);
    const said = Array.from({ length: 10 }, (_, index) => {
      watch.step(step(0.5));
      watch.step(step(0.99));
      return watch.epochEnd(index + 1, {});
    });
    expect(said.filter((each) => each !== undefined)).toEqual([
      'after epoch 3 of 10, `loss` (=0.990) has not left that of a stone (1.00): nothing is learned yet — wait',
    ]);
    expect(said[2]).toBeDefined();
    expect(watch.standing()).toBe('`loss` had not left that of a stone');
  });

  it('compares with the mean of a logged scalar over the same steps', () => {
    const watch = watchBaseline(objectiveWith({ value: 'floor' }), 1);
    for (const floor of [0.2, 0.4]) watch.step(step(0.31, { floor }));
    expect(watch.epochEnd(1, {})).toContain('(=0.310) has not left that of a stone (0.300)');
    for (const floor of [0.2, 0.4]) watch.step(step(0.28, { floor }));
    watch.epochEnd(2, {});
    expect(watch.standing()).toBeUndefined();
  });

  it('takes back its word when the training leaves the baseline, and says nothing where there is none', () => {
    const watch = watchBaseline(objectiveWith({ metric: 'valScore', better: 'higher', value: 44 }), 2);
    expect(watch.epochEnd(1, { valScore: 44.5 })).toContain('valScore');
    expect(watch.epochEnd(2, { valScore: 60 })).toBeUndefined();
    expect(watch.standing()).toBeUndefined();
    const silent = watchBaseline({} as Objective, 2);
    silent.step(step(9));
    expect([silent.epochEnd(2, {}), silent.standing()]).toEqual([undefined, undefined]);
  });
});
