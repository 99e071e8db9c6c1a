/*
 * engine/onnx/passes/: functions from a graph to a graph that computes the same: without dead nodes, with biases
 * folded in, in standard operators only, with blocked convolutions, split in two, with parameters inside. `optimize`
 * is the order for running and for export.
 * Not here: optimizations that ONNX Runtime does itself.
 * Called by: `engine/onnx.ts`, `engine/export-onnx.ts`, and `session` where it takes graphs apart.
 */

import type { Graph } from '../graph.js';
import { dropDead } from './drop-dead.js';
import { foldBias } from './fold-bias.js';
import { nameOutputs } from './name-outputs.js';
import { orderLeaves } from './order-leaves.js';
import { standardOnly } from './standard-only.js';

/** `fast` uses ONNX Runtime's own operators too; `portable` is standard ONNX that any runtime reads. */
export type Flavor = 'fast' | 'portable';

/** The graph as it is run or exported. */
export function optimize(graph: Graph, flavor: Flavor): Graph {
  const lean = orderLeaves(nameOutputs(foldBias(dropDead(graph))));
  return flavor === 'portable' ? standardOnly(lean) : lean;
}
