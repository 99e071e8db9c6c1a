import type { Engine, TensorFunction } from './engine.js';
import type { ParameterSpecs } from './parameters.js';
import type { Random } from './random.js';
import type { Sample, TransformSpec } from './dataset.js';
import type { Batch, Outputs, ParameterTree, TensorSpec } from './tensor.js';

/** How items become samples. */
export interface SamplePipeline {
  readonly transforms: readonly TransformSpec[];
  /** How the target is loaded and follows the picture's geometry. Default: it travels unchanged. */
  readonly target?: TransformSpec;
}

/**
 * A function to compile, and how decoded pictures become its batch. In training it outputs the scalar `loss` and
 * further scalars that are logged. An output `state.<parameter>` is the new value of a parameter that is not trained by
 * gradients, such as a running mean.
 */
export interface BatchedFunction extends SamplePipeline {
  readonly fn: TensorFunction;
  readonly batchSpec: (batchSize: number) => Readonly<Record<string, TensorSpec>>;
  /** @param random a stream of its own for this batch: masks, drop path, mixing */
  readonly collate: (samples: readonly Sample[], random: Random) => Batch;
  /**
   * The batches of `count` equal parts of the samples, in order, with what `collate` draws for the whole: the mean of
   * the parts' losses is then the loss of the whole, and so are gradients. Absent where a sample's loss depends on the
   * others of its batch, as with batch norm; such a batch is never split.
   */
  readonly collateParts?: (samples: readonly Sample[], random: Random, count: number) => readonly Batch[];
}

/** A program as it is written for other runtimes: a function and the shapes that it takes. */
export type ExportedProgram = Pick<BatchedFunction, 'fn' | 'batchSpec'>;

/** One forward and backward pass over a batch. */
export interface TrainStep {
  /** Writes gradients (it does not add to them) and returns the scalar `loss`, and further scalars that are logged. */
  run(
    parameters: ParameterTree,
    samples: readonly Sample[],
    options: { readonly random: Random; readonly gradients: ParameterTree },
  ): Promise<Readonly<Record<string, number>>>;
  dispose(): void | Promise<void>;
}

/** One forward pass over at most a batch. */
export interface ForwardStep<Out = Outputs> {
  run(parameters: ParameterTree, samples: readonly Sample[], random: Random): Promise<Out>;
  dispose(): void;
}

export interface StepOptions {
  readonly engine: Engine;
  readonly batchSize: number;
}

/** Training whose step is more than one program: programs of fixed shape with TypeScript between them. */
export interface SteppedTraining extends SamplePipeline {
  /** @param options names of the parameters that gradients are wanted for, besides engine and batch size */
  createStep(options: StepOptions & { readonly gradients: readonly string[] }): Promise<TrainStep>;
}

/**
 * A forward pass that is more than one program. What it gives is the author's choice, usually an answer for each sample:
 * core hands it on as it is, to `Evaluator.update` and `TaskPrediction.decode`.
 */
export interface SteppedForward<Out = Outputs> extends SamplePipeline {
  createStep(options: StepOptions): Promise<ForwardStep<Out>>;
}

/** A forward pass: one function, whose `Outputs` may hold padding past the samples, or steps that give an `Out`. */
export type Forward<Out> = BatchedFunction | SteppedForward<Out>;

/** Gathers results over a whole data set: many metrics are not means of batches. */
export interface Evaluator<Out = Outputs> {
  /** Takes what the forward pass gave for these samples; of padded outputs, what lies past `samples.length` does not count. */
  update(outputs: Out, samples: readonly Sample[]): void;
  /** The metrics by name. */
  compute(): Readonly<Record<string, number>>;
  /** More than numbers, for `mae-tasks evaluate`: a table for each class, a confusion matrix. */
  details?(): Promise<EvaluationDetails>;
}

/** What an evaluation has to show besides its metrics. */
export interface EvaluationDetails {
  readonly tables: readonly EvaluationTable[];
  readonly drawings: readonly Drawing[];
}

export interface EvaluationTable {
  /** Names the table and its file: "classes". */
  readonly name: string;
  readonly columns: readonly string[];
  readonly rows: ReadonlyArray<ReadonlyArray<string | number>>;
}

/** The metric that decides which weights are best. */
export interface PrimaryMetric {
  readonly name: string;
  readonly better: 'lower' | 'higher';
}

/**
 * The value that a model reaches which has learned nothing of the pictures: a run that stays there says so, and what to
 * change.
 */
export interface Baseline {
  /** What is compared: `loss`, a logged scalar of the training, or a metric of the evaluator. */
  readonly metric: string;
  readonly better: 'lower' | 'higher';
  /** The value itself, or the name of a logged scalar of the training whose mean over an epoch it is. */
  readonly value: number | string;
  /** Whose value that is, for messages: "a model that gives every patch its mean". */
  readonly of: string;
  /** What to try. */
  readonly advice: string;
}

/** A picture of what the model does, for the run's folder. */
export interface Drawing {
  /** Names the series: "reconstructions". */
  readonly name: string;
  /** The encoded PNG file. */
  readonly png: Uint8Array;
}

/**
 * What the training loop needs to know of what is trained: pretraining and every task provide this. `Out` is what an
 * evaluating forward pass gives and the evaluator takes; the loop, which only hands it on, knows nothing of it.
 */
export interface Objective<Out = unknown> {
  /** `pretrain`, or a task's name. */
  readonly name: string;
  readonly parameters: ParameterSpecs;
  readonly training: BatchedFunction | SteppedTraining;
  readonly evaluation: Forward<Out>;
  createEvaluator(): Evaluator<Out>;
  readonly primaryMetric: PrimaryMetric;
  /**
   * The fewest pictures that a batch can be learned from: 2 where a batch norm takes its statistics over them alone, as
   * over one picture everything it gives is 0. Default 1.
   */
  readonly minBatchSize?: number;
  /** What training has to leave behind. Absent: nothing is watched for. */
  readonly baseline?: Baseline | undefined;
  /** Draws some samples that went through `evaluation.transforms`. */
  draw?(context: DrawContext): Promise<readonly Drawing[]>;
}

export interface DrawContext {
  readonly engine: Engine;
  readonly parameters: ParameterTree;
  readonly samples: readonly Sample[];
  readonly random: Random;
}
