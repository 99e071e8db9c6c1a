/** A learning rate's course over training. Epochs are fractional: iteration `i` of `n` in epoch `e` is at `e + i / n`. */
export interface CosineSchedule {
  /** The peak rate, reached at the end of the warm-up. */
  readonly lr: number;
  readonly minLr: number;
  readonly warmupEpochs: number;
  readonly epochs: number;
}

/** Linear warm-up from 0, then half a cosine down to `minLr` (official util/lr_sched.py, per iteration). */
export function cosineLearningRate(epoch: number, { lr, minLr, warmupEpochs, epochs }: CosineSchedule): number {
  if (epoch < warmupEpochs) return (lr * epoch) / warmupEpochs;
  return minLr + (lr - minLr) * 0.5 * (1 + Math.cos((Math.PI * (epoch - warmupEpochs)) / (epochs - warmupEpochs)));
}

/** The actual rate of a base rate: `blr · effective batch / 256` (linear scaling, Goyal et al. 2017). */
export function scaleLearningRate(blr: number, effectiveBatchSize: number): number {
  return (blr * effectiveBatchSize) / 256;
}
