import { describe, expect, it } from 'vitest';
import { type BudgetPlan, fitBudget, type TrainingCosts } from '#core/train/run/fit-budget.js';

const costs: TrainingCosts = { before: 8, step: 0.2, evaluation: 6, save: 0.3, draw: 2 };

/** The time that a run with this plan takes where everything costs what was measured. */
function secondsOf(plan: BudgetPlan, { before, step, evaluation, save, draw }: TrainingCosts): number {
  const count = (every: number): number => {
    const regular = Math.floor(plan.epochs / every);
    return regular + (plan.epochs % every === 0 ? 0 : 1);
  };
  return (
    before +
    plan.epochs * plan.stepsPerEpoch * step +
    count(plan.evaluateEvery) * (evaluation + save) +
    count(plan.drawEvery) * draw +
    count(plan.saveEvery) * save
  );
}

describe('fitting a training into minutes', () => {
  it.each([1, 2, 5, 20, 60])('ends within %i minutes and uses at least four fifths of them', (minutes) => {
    for (const stepsInData of [3, 25, 60]) {
      const plan = fitBudget(minutes, costs, stepsInData);
      const seconds = secondsOf(plan, costs);
      expect(seconds).toBeLessThanOrEqual(60 * minutes);
      expect(seconds + stepsInData * costs.step).toBeGreaterThan(0.8 * 60 * minutes);
      expect(plan.seconds).toBeLessThanOrEqual(60 * minutes);
    }
  });

  it('leaves next to nothing over where epochs are long: their steps are then fewer', () => {
    for (const stepsInData of [100, 300, 700]) {
      const plan = fitBudget(5, costs, stepsInData);
      expect(secondsOf(plan, costs)).toBeGreaterThan(0.88 * 300);
      expect(plan.stepsPerEpoch).toBeLessThanOrEqual(stepsInData);
    }
    expect(fitBudget(5, costs, 3).stepsPerEpoch).toBe(3);
  });

  it('has a part of an epoch where a whole one takes too long', () => {
    const plan = fitBudget(1, { ...costs, step: 1 }, 1000);
    expect(plan).toMatchObject({ epochs: 1, evaluateEvery: 1, drawEvery: 1 });
    expect(plan.stepsPerEpoch).toBeGreaterThan(30);
    expect(plan.stepsPerEpoch).toBeLessThan(42);
  });

  it('evaluates once, at the end, where evaluations are dear, and often where they are cheap', () => {
    const dear = fitBudget(2, { ...costs, evaluation: 30 }, 10);
    expect(dear.evaluateEvery).toBe(dear.epochs);
    const cheap = fitBudget(5, { ...costs, evaluation: 0.1, draw: 0 }, 10);
    expect(Math.ceil(cheap.epochs / cheap.evaluateEvery)).toBeGreaterThan(8);
  });

  it('takes one step where the minutes are over before the first', () => {
    expect(fitBudget(0.05, costs, 10)).toMatchObject({ epochs: 1, stepsPerEpoch: 1 });
  });
});
