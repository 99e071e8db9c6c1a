import { MessageWriter } from '../../base/protobuf-writer.js';
import type { Attribute, ElementType, Graph, GraphNode, GraphValue } from './graph.js';

/** The standard operators' version that graphs are written in, and the file format's version that goes with it. */
const OPSET = 21;
const IR_VERSION = 10;
const PRODUCER = 'mae-tasks';

/** Codes of `TensorProto.DataType` (onnx.proto). */
const ELEMENT_CODES: Record<ElementType, number> = { float32: 1, int32: 6, int64: 7, bool: 9, float64: 11 };
/** Codes of `AttributeProto.AttributeType`. */
const ATTRIBUTE_CODES = { float: 1, integer: 2, text: 3, integers: 7 } as const;

export interface EncodeOptions {
  readonly metadata?: Readonly<Record<string, string>>;
  /** The name of a first output that is an empty sequence; absent, there is none. */
  readonly sequenceOutput?: string | undefined;
}

/** Writes one message of the format. */
type Write = (message: MessageWriter) => void;

/** The graph as an ONNX model file (`ModelProto`). Field numbers are those of onnx.proto. */
export function encodeModel(
  graph: Graph,
  name: string,
  { metadata = {}, sequenceOutput }: EncodeOptions = {},
): Uint8Array {
  const domains = new Set(graph.nodes.map(({ domain }) => domain));
  return MessageWriter.encode((model) => {
    model
      .integer(1, IR_VERSION)
      .text(2, PRODUCER)
      .message(7, graphMessage(graph, name, sequenceOutput))
      .message(8, (opset) => opset.text(1, '').integer(2, OPSET));
    for (const domain of domains) {
      if (domain !== '') model.message(8, (opset) => opset.text(1, domain).integer(2, 1));
    }
    for (const [key, value] of Object.entries(metadata)) {
      model.message(14, (entry) => entry.text(1, key).text(2, value));
    }
  });
}

function graphMessage(graph: Graph, name: string, sequenceOutput: string | undefined): Write {
  return (message) => {
    if (sequenceOutput !== undefined) {
      message.message(1, (node) => node.text(2, sequenceOutput).text(3, sequenceOutput).text(4, 'SequenceEmpty'));
    }
    graph.nodes.forEach((node, index) => message.message(1, nodeMessage(node, `${node.op}_${index}`)));
    message.text(2, name);
    for (const { value, data } of graph.initializers) {
      message.message(5, (tensor) => {
        for (const dimension of value.shape) tensor.integer(1, dimension);
        tensor.integer(2, ELEMENT_CODES[value.type]).text(8, value.name);
        tensor.bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
      });
    }
    for (const input of graph.inputs) message.message(11, valueMessage(input));
    if (sequenceOutput !== undefined) message.message(12, sequenceMessage(sequenceOutput));
    for (const output of graph.outputs) message.message(12, valueMessage(output));
  };
}

function nodeMessage({ op, domain, inputs, outputs, attributes }: GraphNode, name: string): Write {
  return (message) => {
    for (const input of inputs) message.text(1, input.name);
    for (const output of outputs) message.text(2, output.name);
    message.text(3, name).text(4, op);
    for (const [key, value] of Object.entries(attributes)) message.message(5, attributeMessage(key, value));
    if (domain !== '') message.text(7, domain);
  };
}

function attributeMessage(name: string, value: Attribute): Write {
  return (message) => {
    message.text(1, name);
    if (typeof value === 'number') message.integer(3, value).integer(20, ATTRIBUTE_CODES.integer);
    else if (typeof value === 'string') message.text(4, value).integer(20, ATTRIBUTE_CODES.text);
    else if ('float' in value) message.float(2, value.float).integer(20, ATTRIBUTE_CODES.float);
    else {
      for (const item of value) message.integer(8, item);
      message.integer(20, ATTRIBUTE_CODES.integers);
    }
  };
}

function valueMessage({ name, shape, type, symbols = [] }: GraphValue): Write {
  const dimensions: Write = (message) => {
    for (const [axis, length] of shape.entries()) {
      const symbol = symbols[axis];
      message.message(1, (dimension) =>
        symbol === undefined ? dimension.integer(1, length) : dimension.text(2, symbol),
      );
    }
  };
  const tensor: Write = (message) => message.integer(1, ELEMENT_CODES[type]).message(2, dimensions);
  return (message) => message.text(1, name).message(2, (typed) => typed.message(1, tensor));
}

/** Of tensors of float32, which `SequenceEmpty` makes. */
function sequenceMessage(name: string): Write {
  const tensor: Write = (message) => message.integer(1, ELEMENT_CODES.float32);
  const sequence: Write = (message) => message.message(1, (element) => element.message(1, tensor));
  return (message) => message.text(1, name).message(2, (typed) => typed.message(4, sequence));
}
