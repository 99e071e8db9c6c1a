import type { Tensor } from '@tensorflow/tfjs';
import type { Recorder } from './recorder.js';
import type { Batch, Outputs, ParameterTree, Shape, TensorSpec } from './tensor.js';

/** TF.js tensors by name: what a model's function receives and returns. */
export type NamedTensors = Readonly<Record<string, Tensor>>;

/**
 * A pure function of named parameters and a batch, written in TF.js ops. It reads no value, draws no random
 * number and has static shapes, so that an engine may trace it once and run it many times.
 */
export type TensorFunction = (parameters: NamedTensors, batch: NamedTensors) => NamedTensors;

export interface ProgramSpec {
  /** For messages and profiles: "mae.train". */
  readonly name: string;
  readonly fn: TensorFunction;
  /** Shapes of the parameters (float32) that `fn` reads. */
  readonly parameters: Readonly<Record<string, Shape>>;
  readonly batch: Readonly<Record<string, TensorSpec>>;
  /**
   * Names of parameters, or of float32 entries of the batch, by which the scalar output `loss` is differentiated.
   * A name that the loss does not depend on is an error.
   */
  readonly gradients?: readonly string[];
}

/** A function compiled for fixed shapes. */
export interface Program {
  /** The function's outputs, without gradients. */
  readonly outputs: Readonly<Record<string, TensorSpec>>;
  /**
   * Runs the function and returns its outputs.
   *
   * Gradients by parameters are written (not added) into `gradients`, under the same names; gradients by entries of
   * the batch are returned as `grad.<name>`. The arrays returned are the caller's until the next run of this program.
   */
  run(parameters: ParameterTree, batch: Batch, gradients?: ParameterTree): Promise<Outputs>;
  dispose(): void;
}

/** A function compiled several times over, to run on parts of a batch at once. */
export interface ReplicatedProgram {
  /**
   * Runs the function on every part and returns the parts' outputs, in order. The mean of the parts' gradients is
   * written (not added) into `gradients`. The arrays returned are the caller's until the next run.
   *
   * @param batches one for each replica
   */
  run(parameters: ParameterTree, batches: readonly Batch[], gradients: ParameterTree): Promise<readonly Outputs[]>;
  /** Ends the replicas' threads and frees their memory. */
  dispose(): Promise<void>;
}

/** Running one program in several threads, each with a part of the batch: data parallelism on one machine. */
export interface Replication {
  /** Threads that there are for all replicas together. */
  readonly threads: number;
  /**
   * A program that shares no memory with those of `Engine.compile`.
   *
   * @param spec the program of one part; its gradients are by parameters alone
   * @throws MaeError as `Engine.compile` does
   */
  compile(spec: ProgramSpec, count: number): Promise<ReplicatedProgram>;
}

/**
 * A function compiled so that part of its batch may come late: what needs none of it is computed first, and kept, so that
 * nothing is computed twice. For training with TypeScript in between.
 */
export interface TwoPartProgram {
  /** The outputs that need no late entry. @param batch without the late entries */
  first(parameters: ParameterTree, batch: Batch): Promise<Outputs>;
  /**
   * The other outputs, and gradients as in `Program.run`. Parameters and early entries are those of the last `first`.
   *
   * @param batch all entries
   */
  second(parameters: ParameterTree, batch: Batch, gradients?: ParameterTree): Promise<Outputs>;
  /** Ends the programs and frees what was kept. */
  dispose(): Promise<void>;
}

/** The operator in which numbers first stopped being finite. */
export interface NotFiniteOperator {
  /** `Log`, as the engine calls it. */
  readonly operator: string;
  /** Whether it belongs to the gradients, and not to the function itself. */
  readonly inGradient: boolean;
  /** The model's functions that asked for it, and the line, where that is known. */
  readonly place?: string | undefined;
  /** The parameters that it reads, or that were read last on the way to it. */
  readonly parameters: readonly string[];
  /** What is known of its inputs and outputs, for people: "from -1 to 2", "3 NaN of 128, the first at [0, 2]". */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/** Runs functions written in TF.js. Every engine gives the same numbers up to rounding. */
export interface Engine {
  /** `onnx` (traced once, run compiled) or `tfjs` (eager). */
  readonly name: string;
  /** What runs and where, for people: "onnxruntime-node 1.30.0 (cpu, 2 threads)". */
  readonly description: string;
  /** @throws MaeError `SHAPE_MISMATCH` or `TRACE_UNSUPPORTED`, naming the op or tensor. */
  compile(spec: ProgramSpec): Promise<Program>;
  /**
   * Absent where an engine keeps nothing between two runs: compile two programs then, of which the second repeats the
   * first.
   *
   * @param late entries of the batch that come late
   * @throws MaeError as `compile`, and `SHAPE_MISMATCH` where every output needs a late entry
   */
  compileInTwo?(spec: ProgramSpec, late: readonly string[]): Promise<TwoPartProgram>;
  /**
   * Runs a function slowly, looks at everything that it computes, and says where numbers first stop being finite on the
   * way to these results; undefined where all are finite this time, or none of its operators is to blame. For debugging.
   *
   * @param results names of outputs, and of gradients as `grad.<name>`
   */
  findNotFinite?(
    spec: ProgramSpec,
    parameters: ParameterTree,
    batch: Batch,
    results: readonly string[],
  ): Promise<NotFiniteOperator | undefined>;
  /** Absent where one program is all that a device runs at a time. */
  readonly replication?: Replication;
  /** Told of the times of programs, and of what a training does between them. Absent where nobody wants to know. */
  readonly recorder?: Recorder;
  dispose(): Promise<void>;
}
