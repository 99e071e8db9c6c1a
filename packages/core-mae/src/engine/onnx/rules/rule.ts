/*
 * engine/onnx/rules/: what each TF.js kernel becomes, by family: a rule takes the kernel's inputs and attributes and
 * writes nodes. A kernel without a rule is an error that names it.
 * Not here: whole layers: gradients come from TF.js, so a rule for every kernel is a rule for every model.
 * Called by: the tracing backend, which lists them all.
 */

import type { GraphBuilder } from '../graph.js';
import type { LazyTensor } from '../operators/lazy-tensors.js';

/** How one TF.js kernel is written into the graph. */
export type KernelRule = (
  graph: GraphBuilder,
  inputs: Readonly<Record<string, LazyTensor>>,
  attributes: unknown,
) => LazyTensor | LazyTensor[];

/** Rules by the kernels' names in TF.js. */
export type KernelRules = Readonly<Record<string, KernelRule>>;

/** A rule for a kernel with these inputs and attributes; TF.js passes exactly these. */
export function rule<Input extends string, Attributes = unknown>(
  fn: (
    graph: GraphBuilder,
    inputs: Readonly<Record<Input, LazyTensor>>,
    attributes: Attributes,
  ) => LazyTensor | LazyTensor[],
): KernelRule {
  return fn as KernelRule;
}

/** A rule for a kernel that takes a list of tensors. */
export function listRule<Attributes = unknown>(
  fn: (graph: GraphBuilder, inputs: readonly LazyTensor[], attributes: Attributes) => LazyTensor | LazyTensor[],
): KernelRule {
  return (graph, inputs, attributes) => fn(graph, Object.values(inputs), attributes as Attributes);
}
