import type { Tensor } from '@tensorflow/tfjs';
import type { Batch, HostTensor, ParameterTree, Shape, TensorSpec } from './tensor.js';

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
  run(
    parameters: ParameterTree,
    batch: Batch,
    gradients?: ParameterTree,
  ): Promise<Readonly<Record<string, HostTensor>>>;
  dispose(): void;
}

/** Runs functions written in TF.js. Every engine gives the same numbers up to rounding. */
export interface Engine {
  /** `onnx` (traced once, run compiled) or `tfjs` (eager). */
  readonly name: string;
  /** What runs and where, for people: "onnxruntime-node 1.30.0 (cpu, 2 threads)". */
  readonly description: string;
  /** @throws MaeError `SHAPE_MISMATCH` or `TRACE_UNSUPPORTED`, naming the op or tensor. */
  compile(spec: ProgramSpec): Promise<Program>;
  dispose(): Promise<void>;
}
