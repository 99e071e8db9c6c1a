import type { Random } from './random.js';
import type { Shape } from './tensor.js';

/** Fills a new parameter; `random` is a stream of its own. */
export type Initializer = (shape: Shape, random: Random) => Float32Array;

export interface ParameterSpec {
  readonly shape: Shape;
  readonly init: Initializer;
  /** Whether the optimizer changes it; false for fixed positions and running statistics. Default true. */
  readonly trainable?: boolean;
}

/** A model's parameters in order, by official name. */
export type ParameterSpecs = Readonly<Record<string, ParameterSpec>>;

/** What an optimizer applies to one parameter. */
export interface ParameterGroup {
  /** Factor on the learning rate. */
  readonly lrScale: number;
  readonly weightDecay: number;
}
