import type { ProgramSpec } from '../contracts/engine.js';
import type { ParameterTree } from '../contracts/tensor.js';
import { MaeError } from '../base/errors.js';
import { checkInputs } from './programs/check-inputs.js';
import { encodeModel } from './onnx/encode.js';
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
  checkInputs({ ...spec, batch: {} }, parameters, {});
  const bytes = Object.keys(shapes).reduce((sum, key) => sum + parameters.get(key)!.data.byteLength, 0);
  if (bytes > MAX_BYTES) {
    throw new MaeError('TRACE_UNSUPPORTED', {
      what: `the parameters take ${(bytes / 2 ** 30).toFixed(1)} GiB, and one ONNX file holds less than 2`,
      where: name,
      fix: 'export safetensors instead',
    });
  }
  const needed: ParameterTree = new Map(Object.keys(shapes).map((key) => [key, parameters.get(key)!]));
  const graph = embedParameters(optimize(trace(spec).graph, flavor), needed, graphNames);
  return encodeModel(graph, name, { metadata });
}
