/*
 * engine/onnx/: graphs of ONNX operators: what they are (this file) and how they become bytes (`encode`).
 * The folders are the way of a function: `trace` runs it by the `rules` of each TF.js kernel, which write `operators`;
 * `passes` rewrite the graph; `session` runs it.
 * Not here: TF.js, besides in `trace` and `rules`; ONNX Runtime, besides in `session`.
 * Called by: `engine/onnx.ts` and `engine/export-onnx.ts`; nothing outside the engine.
 */

import { createHash } from 'node:crypto';
import type { Shape } from '../../contracts/tensor.js';

/** Element types of values in a graph; `int64` and `float64` only occur inside it. */
export type ElementType = 'float32' | 'int32' | 'bool' | 'int64' | 'float64';

/** A value in an ONNX graph: an input, an initializer or a node's output. */
export interface GraphValue {
  readonly name: string;
  readonly shape: Shape;
  readonly type: ElementType;
  /** Of inputs and outputs: what an axis is called that may have any length, instead of that in the shape. */
  readonly symbols?: ReadonlyArray<string | undefined>;
}

/** An attribute of a node; ONNX keeps floats and integers apart, so floats are marked. */
export type Attribute = number | string | readonly number[] | { readonly float: number };
export type Attributes = Readonly<Record<string, Attribute>>;

/** An operation. Passes replace inputs and outputs; nodes are otherwise immutable. */
export interface GraphNode {
  readonly op: string;
  /** '' for the standard operators; `MICROSOFT` and `NCHWC` are ONNX Runtime's own. */
  readonly domain: string;
  readonly inputs: readonly GraphValue[];
  readonly outputs: readonly GraphValue[];
  readonly attributes: Attributes;
}

export type ConstantData = Float32Array | Int32Array | Uint8Array | BigInt64Array;

export interface Initializer {
  readonly value: GraphValue;
  readonly data: ConstantData;
}

/** A whole ONNX graph, ready for passes and the encoder. */
export interface Graph {
  readonly inputs: readonly GraphValue[];
  readonly nodes: readonly GraphNode[];
  readonly initializers: readonly Initializer[];
  readonly outputs: readonly GraphValue[];
}

/** A graph under construction. Equal nodes and equal constants are made once. */
export interface GraphBuilder {
  input(name: string, shape: Shape, type: ElementType): GraphValue;
  constant(data: ConstantData, shape: Shape, type: ElementType): GraphValue;
  node(op: string, inputs: readonly GraphValue[], outputs: readonly OutputSpec[], options?: NodeOptions): GraphValue[];
  /** The node that computes this value, or undefined for inputs and constants. */
  producer(value: GraphValue): GraphNode | undefined;
  /** The value under a name of its own, whatever it is: an Identity node that `nameOutputs` may remove again. */
  output(name: string, value: GraphValue): GraphValue;
  finish(outputs: readonly GraphValue[]): Graph;
}

export interface OutputSpec {
  readonly shape: Shape;
  readonly type: ElementType;
}

export interface NodeOptions {
  readonly attributes?: Attributes;
  readonly domain?: string;
}

export const MICROSOFT = 'com.microsoft';
/** ONNX Runtime's convolutions on pictures whose channels lie in blocks. */
export const NCHWC = 'com.microsoft.nchwc';

/** @param onNode told of every node that is made */
export function createGraphBuilder(onNode?: (node: GraphNode) => void): GraphBuilder {
  const inputs: GraphValue[] = [];
  const nodes: GraphNode[] = [];
  const constants = new Map<string, Initializer>();
  const known = new Map<string, GraphValue[]>();
  const producers = new Map<string, GraphNode>();
  let numValues = 0;
  return {
    input(name, shape, type) {
      const value = { name, shape, type };
      inputs.push(value);
      return value;
    },
    constant(data, shape, type) {
      const key = `${type}[${shape.join()}]${fingerprint(data)}`;
      let initializer = constants.get(key);
      if (initializer === undefined) {
        initializer = { value: { name: `constant_${constants.size}`, shape, type }, data };
        constants.set(key, initializer);
      }
      return initializer.value;
    },
    node(op, nodeInputs, outputs, { attributes = {}, domain = '' } = {}) {
      const key = `${domain}:${op}(${nodeInputs.map(({ name }) => name).join()})${outputs.length}${JSON.stringify(attributes)}`;
      const existing = known.get(key);
      if (existing !== undefined) return existing;
      const values = outputs.map(({ shape, type }) => ({ name: `value_${numValues++}`, shape, type }));
      const node: GraphNode = { op, domain, inputs: nodeInputs, outputs: values, attributes };
      nodes.push(node);
      onNode?.(node);
      known.set(key, values);
      for (const { name } of values) producers.set(name, node);
      return values;
    },
    producer: (value) => producers.get(value.name),
    output(name, value) {
      const output = { ...value, name };
      nodes.push({ op: 'Identity', domain: '', inputs: [value], outputs: [output], attributes: {} });
      return output;
    },
    finish: (outputs) => ({ inputs, nodes, initializers: [...constants.values()], outputs }),
  };
}

/** Identifies constants by all their bytes: two tables that only differ near their end must stay two. */
function fingerprint(data: ConstantData): string {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return bytes.length <= 64 ? bytes.toString('base64') : createHash('sha256').update(bytes).digest('base64');
}
