/*
 * optim/: how gradients change parameters: what an optimizer is (this file), AdamW, LARS, the schedule, groups with
 * decay and layer-wise rates, clipping, the moving average.
 * Not here: the arithmetic over arrays: `engine/kernels`; the settings' names and defaults: `train/settings`.
 * Called by: the training loop, and what assembles trainings.
 */

import type { ParameterTree, Shape } from '../contracts/tensor.js';
import type { AllocateParameters } from '../nn/params.js';
import type { ParameterGroups } from './param-groups.js';

/** What an optimizer remembers between steps; saved with the parameters. */
export interface OptimizerState {
  /** By slot name (`exp_avg`), a value for each parameter. */
  readonly slots: Readonly<Record<string, ParameterTree>>;
}

export interface Optimizer {
  /** A new state, all zeros. */
  createState(shapes: Readonly<Record<string, Shape>>, allocate: AllocateParameters): OptimizerState;
  /**
   * Changes parameters and state in place.
   *
   * @param step counts from 1
   * @throws Error where a parameter with a gradient is in no group
   */
  update(
    parameters: ParameterTree,
    gradients: ParameterTree,
    state: OptimizerState,
    options: { readonly step: number; readonly lr: number; readonly groups: ParameterGroups },
  ): void;
}
