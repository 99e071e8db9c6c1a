import type { Engine, TensorFunction } from './engine.js';
import type { ParameterSpecs } from './parameters.js';
import type { Random } from './random.js';
import type { Sample, TransformSpec } from './dataset.js';
import type { Batch, HostTensor, ParameterTree, TensorSpec } from './tensor.js';

/** A function to compile, and how decoded pictures become its batch. */
export interface BatchedFunction {
  readonly fn: TensorFunction;
  readonly batchSpec: (batchSize: number) => Readonly<Record<string, TensorSpec>>;
  /** @param random a stream of its own for this batch: masks, drop path, mixing */
  readonly collate: (samples: readonly Sample[], random: Random) => Batch;
  readonly transforms: readonly TransformSpec[];
}

/** Gathers results over a whole data set: many metrics are not means of batches. */
export interface Evaluator {
  /** Takes one batch's outputs; entries past `samples.length` are padding and do not count. */
  update(outputs: Readonly<Record<string, HostTensor>>, samples: readonly Sample[]): void;
  /** The metrics by name. */
  compute(): Readonly<Record<string, number>>;
}

/** The metric that decides which weights are best. */
export interface PrimaryMetric {
  readonly name: string;
  readonly better: 'lower' | 'higher';
}

/** A picture of what the model does, for the run's folder. */
export interface Drawing {
  /** Names the series: "reconstructions". */
  readonly name: string;
  /** The encoded PNG file. */
  readonly png: Uint8Array;
}

/** What the training loop needs to know of what is trained: pretraining and every task provide this. */
export interface Objective {
  /** `pretrain`, or a task's name. */
  readonly name: string;
  readonly parameters: ParameterSpecs;
  /** Outputs the scalar `loss`, and further scalars that are logged under their names. */
  readonly training: BatchedFunction;
  readonly evaluation: BatchedFunction;
  createEvaluator(): Evaluator;
  readonly primaryMetric: PrimaryMetric;
  /** Draws some samples that went through `evaluation.transforms`. */
  draw?(context: DrawContext): Promise<readonly Drawing[]>;
}

export interface DrawContext {
  readonly engine: Engine;
  readonly parameters: ParameterTree;
  readonly samples: readonly Sample[];
  readonly random: Random;
}
