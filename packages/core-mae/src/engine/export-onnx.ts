import type { ProgramSpec } from '../contracts/engine.js';
import type { ParameterTree } from '../contracts/tensor.js';
import { MaeError } from '../base/errors.js';
import { checkInputs } from './programs/check-inputs.js';
import { encodeModel } from './onnx/encode.js';
import type { Graph } from './onnx/graph.js';
import { type FreeSize, freeSize } from './onnx/passes/free-size.js';
import { type Flavor, optimize } from './onnx/passes/optimize.js';
import { embedParameters } from './onnx/passes/embed-parameters.js';
import { graphNames, trace } from './onnx/trace/trace.js';

export interface ExportOptions {
  /** Default `portable`: standard operators only. */
  readonly flavor?: Flavor;
  /** Kept in the file under these names: what the input must be normalised by, class names. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Protocol Buffers' limit of one message. */
const MAX_BYTES = 2 ** 31 - 1;

/** A function to export whose batch may have any size. */
export interface AnySizeSpec extends Omit<ProgramSpec, 'batch' | 'gradients'> {
  /** The batch's entries for so many pictures. */
  readonly batchSpec: (batchSize: number) => ProgramSpec['batch'];
}

/**
 * An ONNX file of a function with its parameters inside: entries of the batch are its inputs, under their names and at
 * the spec's shapes, and so are the function's outputs. Gradients are left out.
 *
 * @throws MaeError `SHAPE_MISMATCH`, `TRACE_UNSUPPORTED` (also where one file cannot hold the parameters: 2 GiB)
 */
export function exportOnnx(
  { name, fn, parameters: shapes, batch }: ProgramSpec,
  parameters: ParameterTree,
  { flavor = 'portable', metadata = {} }: ExportOptions = {},
): Uint8Array {
  const spec: ProgramSpec = { name, fn, parameters: shapes, batch };
  const needed = neededParameters(spec, parameters);
  const graph = embedParameters(optimize(trace(spec).graph, flavor), needed, graphNames);
  return encodeModel(graph, name, { metadata });
}

/**
 * Two sizes that the graph is traced at. Prime, so that they are no other number of the model, and above what a constant
 * vector may have, so that the same operators are written at both.
 */
const SIZES = [67, 71] as const;

/**
 * As {@link exportOnnx}, for batches of any size: the axis that grows with the batch has a name, "batch", instead of a length.
 *
 * @throws MaeError as {@link exportOnnx}; `TRACE_UNSUPPORTED` where the function depends on the batch's size otherwise than by
 * lengths that grow evenly with it
 */
export function exportOnnxOfAnySize(
  { name, fn, parameters: shapes, batchSpec }: AnySizeSpec,
  parameters: ParameterTree,
  { flavor = 'portable', metadata = {} }: ExportOptions = {},
): Uint8Array {
  const specs = SIZES.map((size): ProgramSpec => ({ name, fn, parameters: shapes, batch: batchSpec(size) }));
  const needed = neededParameters(specs[0]!, parameters);
  const [first, second] = specs.map((spec) => optimize(trace(spec).graph, flavor)) as [Graph, Graph];
  const graph = freeSize(first, second, growingAxis(specs, name), name);
  return encodeModel(embedParameters(graph, needed, graphNames), name, { metadata });
}

/** The first axis of the batch's entries that grows with its size. */
function growingAxis([first, second]: readonly ProgramSpec[], name: string): FreeSize {
  for (const [key, { shape }] of Object.entries(first!.batch)) {
    for (const [axis, length] of shape.entries()) {
      const other = second!.batch[key]!.shape[axis]!;
      if (length === other) continue;
      const symbol = length === SIZES[0] ? 'batch' : 'count';
      return { input: graphNames.batch(key), axis, sizes: [length, other], symbol };
    }
  }
  throw new MaeError('TRACE_UNSUPPORTED', { what: 'no input grows with the number of pictures', where: name });
}

function neededParameters(spec: ProgramSpec, parameters: ParameterTree): ParameterTree {
  checkInputs({ ...spec, batch: {} }, parameters, {});
  const names = Object.keys(spec.parameters);
  const bytes = names.reduce((sum, key) => sum + parameters.get(key)!.data.byteLength, 0);
  if (bytes > MAX_BYTES) {
    throw new MaeError('TRACE_UNSUPPORTED', {
      what: `the parameters take ${(bytes / 2 ** 30).toFixed(1)} GiB, and one ONNX file holds less than 2`,
      where: spec.name,
      fix: 'export safetensors instead',
    });
  }
  return new Map(names.map((key) => [key, parameters.get(key)!]));
}
