interface ScheduleBase {
  /** The peak rate, reached at the end of the warm-up. */
  readonly lr: number;
  readonly warmupEpochs: number;
  readonly epochs: number;
}

/** Half a cosine down to `minLr` (official util/lr_sched.py). */
export interface CosineSchedule extends ScheduleBase {
  readonly kind: 'cosine';
  readonly minLr: number;
}

/** A power of the share of training that is left, down to `minLr` (mmcv's `PolyLrUpdaterHook`). */
export interface PolySchedule extends ScheduleBase {
  readonly kind: 'poly';
  readonly minLr: number;
  readonly power: number;
}

/** The rate times `gamma` at each milestone (detectron2's `MultiStepParamScheduler`). */
export interface StepSchedule extends ScheduleBase {
  readonly kind: 'step';
  /** Shares of the whole training, ascending. */
  readonly milestones: readonly number[];
  readonly gamma: number;
}

/** A learning rate's course over training. Epochs are fractional: iteration `i` of `n` in epoch `e` is at `e + i / n`. */
export type LearningRateSchedule = CosineSchedule | PolySchedule | StepSchedule;

/** The rate at a fractional epoch: a linear warm-up from 0, then the schedule's own course, per iteration. */
export function learningRateAt(epoch: number, schedule: LearningRateSchedule): number {
  const { lr, warmupEpochs, epochs } = schedule;
  if (epoch < warmupEpochs) return (lr * epoch) / warmupEpochs;
  switch (schedule.kind) {
    case 'cosine': {
      const { minLr } = schedule;
      return minLr + (lr - minLr) * 0.5 * (1 + Math.cos((Math.PI * (epoch - warmupEpochs)) / (epochs - warmupEpochs)));
    }
    case 'poly': {
      const { minLr, power } = schedule;
      return minLr + (lr - minLr) * Math.max(0, 1 - epoch / epochs) ** power;
    }
    case 'step': {
      const { milestones, gamma } = schedule;
      return lr * gamma ** milestones.filter((milestone) => epoch >= milestone * epochs).length;
    }
  }
}

/** The same course over another number of epochs: the warm-up keeps its share of them. */
export function withEpochs<Schedule extends LearningRateSchedule>(schedule: Schedule, epochs: number): Schedule {
  return { ...schedule, epochs, warmupEpochs: (schedule.warmupEpochs * epochs) / schedule.epochs };
}

/** The course in words, for a training that is to be longer than it was. */
export function describeCourse(schedule: LearningRateSchedule): string {
  const { epochs } = schedule;
  switch (schedule.kind) {
    case 'cosine':
      return `half a cosine over all ${epochs} epochs`;
    case 'poly':
      return `the power ${schedule.power} of what is left of all ${epochs} epochs`;
    case 'step': {
      const at = schedule.milestones.map((milestone) => Number((milestone * epochs).toFixed(1)));
      return at.length === 0 ? 'constant' : `times ${schedule.gamma} at the epochs ${at.join(', ')} of ${epochs}`;
    }
  }
}

/** The actual rate of a base rate: `blr · effective batch / 256` (linear scaling, Goyal et al. 2017). */
export function scaleLearningRate(blr: number, effectiveBatchSize: number): number {
  return (blr * effectiveBatchSize) / 256;
}
