import type { Training } from '../loop/training.js';
import type { RunConfig } from './run-context.js';

/** What the parts of a training cost, measured at its start. All in seconds. */
export interface TrainingCosts {
  /** What has gone by already: opening the data, compiling, measuring. */
  readonly before: number;
  /** One optimizer step with its share of waiting for pictures. */
  readonly step: number;
  /** One evaluation of all held-out pictures; 0 where there are none. */
  readonly evaluation: number;
  /** Writing one checkpoint. */
  readonly save: number;
  /** Drawing one sheet of samples and the run's page; 0 where nothing is drawn. */
  readonly draw: number;
}

/** How a training is fitted into its minutes. */
export interface BudgetPlan {
  readonly epochs: number;
  /** Optimizer steps of an epoch: all that the data has, or fewer where even one epoch would take too long. */
  readonly stepsPerEpoch: number;
  /** Epochs between evaluations. */
  readonly evaluateEvery: number;
  /** Epochs between sheets of samples. */
  readonly drawEvery: number;
  /** Epochs between checkpoints at an epoch's end. */
  readonly saveEvery: number;
  /** The whole run as the plan has it. */
  readonly seconds: number;
}

/** Share of the minutes that is kept back: speeds measured in the first seconds are those of a cool, idle machine. */
const RESERVE = 0.06;
/** The largest share of the time that evaluating, drawing and saving between the epochs may take. */
const LARGEST_SIDE_SHARE = 0.15;
/** Evaluations that a run has where they are cheap: more points on a curve tell a person nothing. */
const MOST_EVALUATIONS = 12;
/** Drawings that a run has where they are cheap. */
const MOST_DRAWINGS = 4;

/**
 * As many epochs as end, with the last evaluation, drawing and checkpoint, within the minutes; evaluations, drawings and
 * checkpoints between the epochs are thinned so that they take a small share.
 *
 * @param minutes the whole time, from the start of the process
 * @param stepsInData optimizer steps of one pass over the data
 */
export function fitBudget(minutes: number, costs: TrainingCosts, stepsInData: number): BudgetPlan {
  const total = minutes * 60 * (1 - RESERVE);
  const end = costs.evaluation + costs.draw + 2 * costs.save;
  const available = Math.max(costs.step, total - costs.before - end);
  const epochSeconds = stepsInData * costs.step;
  if (epochSeconds > available) {
    const stepsPerEpoch = Math.max(1, Math.floor(available / costs.step));
    const seconds = costs.before + stepsPerEpoch * costs.step + end;
    return { epochs: 1, stepsPerEpoch, evaluateEvery: 1, drawEvery: 1, saveEvery: 1, seconds };
  }
  // What lies between the epochs is bounded first, so that it can be taken off the time for steps.
  const sideTime = available * LARGEST_SIDE_SHARE;
  const mostEpochs = Math.floor(available / epochSeconds);
  const evaluations = countOf(mostEpochs, MOST_EVALUATIONS, costs.evaluation + costs.save, sideTime * 0.7);
  const drawings = countOf(mostEpochs, MOST_DRAWINGS, costs.draw, sideTime * 0.3);
  const side = evaluations * (costs.evaluation + costs.save) + drawings * costs.draw;
  const steps = Math.max(1, Math.floor((available - side) / costs.step));
  const { epochs, stepsPerEpoch } = inEpochs(steps, stepsInData);
  return {
    epochs,
    stepsPerEpoch,
    evaluateEvery: spacing(epochs, evaluations),
    drawEvery: spacing(epochs, drawings),
    saveEvery: spacing(epochs, evaluations),
    seconds: costs.before + epochs * stepsPerEpoch * costs.step + side + end,
  };
}

/** Share of the steps that may be left over where epochs are whole passes over the data. */
const LARGEST_REST = 0.03;

/** Steps as epochs: whole passes, or where these would leave much of the time over, one more of shorter ones. */
function inEpochs(steps: number, stepsInData: number): Pick<BudgetPlan, 'epochs' | 'stepsPerEpoch'> {
  const whole = Math.max(1, Math.floor(steps / stepsInData));
  const rest = steps - whole * stepsInData;
  if (rest <= LARGEST_REST * steps) return { epochs: whole, stepsPerEpoch: stepsInData };
  return { epochs: whole + 1, stepsPerEpoch: Math.floor(steps / (whole + 1)) };
}

/** How many of something fit between the epochs, besides the one at the end. */
function countOf(epochs: number, most: number, seconds: number, time: number): number {
  const affordable = seconds <= 0 ? most : Math.floor(time / seconds);
  return Math.max(0, Math.min(most, affordable, epochs) - 1);
}

/** Epochs between things of which `count` come before the last epoch. */
function spacing(epochs: number, count: number): number {
  return Math.max(1, Math.ceil(epochs / (count + 1)));
}

/**
 * How long a run of these settings takes, with everything that happens between its epochs; what a resumed run has done
 * already does not count.
 */
export function secondsOfRun(
  { loop, data, state, objective }: Training,
  { evaluation, samples, checkpoint }: RunConfig,
  costs: TrainingCosts,
  stepsInData: number,
): number {
  const { epochs } = loop.schedule;
  const { epoch, batch } = state.progress;
  const left = epochs - epoch - batch / data.train.batchesPerEpoch;
  const times = (everyEpochs: number): number => Math.ceil(left / everyEpochs);
  const draws = objective.draw !== undefined && samples.count > 0;
  const drawEvery = samples.everyEpochs ?? Math.max(1, Math.floor(epochs / 10));
  return (
    costs.before +
    left * stepsInData * costs.step +
    (data.heldOut === undefined ? 0 : times(evaluation.everyEpochs) * costs.evaluation) +
    (draws ? times(drawEvery) * costs.draw : 0) +
    times(checkpoint.everyEpochs) * costs.save
  );
}
