import { backend_util } from '@tensorflow/tfjs';
import type { Attributes, GraphBuilder } from '../graph.js';
import { computed, type LazyTensor, materialize } from '../lazy-tensors.js';
import { asRows, concat, reshape, transpose } from '../layout.js';
import { matrixProduct } from '../matrix-products.js';
import { unsupported } from '../unsupported.js';
import { type KernelRules, rule } from './rule.js';
import { elementOfWindows, padded, type Windows, windowPlaces } from './strided.js';

type Four = [number, number, number, number];
type ConvInfo = ReturnType<typeof backend_util.computeConv2DInfo>;

interface ConvolutionAttributes {
  readonly strides: [number, number] | number;
  readonly pad: 'valid' | 'same' | number;
  readonly dataFormat?: 'NHWC' | 'NCHW';
  readonly dilations?: [number, number] | number;
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

const TO_NCHW = [0, 3, 1, 2];
const TO_NHWC = [0, 2, 3, 1];
/** TF.js keeps filters as `[height, width, in, out]`, ONNX as `[out, in, height, width]`. */
const TO_OIHW = [3, 2, 0, 1];

function geometry(
  inShape: readonly number[],
  filterShape: readonly number[],
  { strides, pad, dataFormat, dilations, dimRoundingMode }: ConvolutionAttributes,
  depthwise = false,
): ConvInfo {
  if (dataFormat === 'NCHW') throw unsupported('a convolution with dataFormat NCHW', 'use NHWC');
  return backend_util.computeConv2DInfo(
    inShape as Four,
    filterShape as Four,
    strides,
    dilations ?? 1,
    pad,
    dimRoundingMode,
    depthwise,
  );
}

function convolutionAttributes(info: ConvInfo, group = 1): Attributes {
  const { top, left, bottom, right } = info.padInfo;
  return {
    strides: [info.strideHeight, info.strideWidth],
    dilations: [info.dilationHeight, info.dilationWidth],
    pads: [top, left, bottom, right],
    group,
  };
}

/** Whether each output pixel only sees the input pixel at its own place, so that pixels are rows of a matrix. */
function isPointwise(info: ConvInfo): boolean {
  const { filterHeight, filterWidth, strideHeight, strideWidth, padInfo } = info;
  return (
    filterHeight * filterWidth === 1 &&
    strideHeight * strideWidth === 1 &&
    padInfo.top + padInfo.bottom + padInfo.left + padInfo.right === 0
  );
}

function filterMatrix(graph: GraphBuilder, filter: LazyTensor): LazyTensor {
  return reshape(graph, filter, filter.shape.slice(2));
}

function forward(graph: GraphBuilder, x: LazyTensor, filter: LazyTensor, info: ConvInfo): LazyTensor {
  if (isPointwise(info)) {
    const rows = matrixProduct(graph, asRows(graph, x), filterMatrix(graph, filter));
    return reshape(graph, rows, info.outShape);
  }
  const inputs = [transpose(graph, x, TO_NCHW), transpose(graph, filter, TO_OIHW)];
  const shape = TO_NCHW.map((axis) => info.outShape[axis]!);
  const [value] = graph.node(
    'Conv',
    inputs.map((input) => materialize(graph, input)),
    [{ shape, type: 'float32' }],
    { attributes: convolutionAttributes(info) },
  );
  return transpose(graph, computed(graph, value!, 'float32'), TO_NHWC);
}

/** The gradient by the input, which is also the transposed convolution. */
function byInput(graph: GraphBuilder, dy: LazyTensor, filter: LazyTensor, info: ConvInfo): LazyTensor {
  if (isPointwise(info)) {
    const rows = matrixProduct(graph, asRows(graph, dy), filterMatrix(graph, filter), { transposeB: true });
    return reshape(graph, rows, info.inShape);
  }
  if (isPatchwise(info)) return patchesByInput(graph, dy, filter, info);
  const { top, left, bottom, right } = info.padInfo;
  const missing = (size: number, out: number, stride: number, extent: number, padding: number): number =>
    size - ((out - 1) * stride + extent - padding);
  const attributes = {
    ...convolutionAttributes(info),
    output_padding: [
      missing(info.inHeight, info.outHeight, info.strideHeight, info.effectiveFilterHeight, top + bottom),
      missing(info.inWidth, info.outWidth, info.strideWidth, info.effectiveFilterWidth, left + right),
    ],
  };
  const inputs = [transpose(graph, dy, TO_NCHW), transpose(graph, filter, TO_OIHW)];
  const shape = TO_NCHW.map((axis) => info.inShape[axis]!);
  const [value] = graph.node(
    'ConvTranspose',
    inputs.map((input) => materialize(graph, input)),
    [{ shape, type: 'float32' }],
    { attributes },
  );
  return transpose(graph, computed(graph, value!, 'float32'), TO_NHWC);
}

/** Whether windows tile the input without overlap or gaps, as in upsampling by a transposed convolution. */
function isPatchwise(info: ConvInfo): boolean {
  const { top, left, bottom, right } = info.padInfo;
  return (
    top + left + bottom + right === 0 &&
    info.dilationHeight * info.dilationWidth === 1 &&
    info.filterHeight === info.strideHeight &&
    info.filterWidth === info.strideWidth &&
    info.outHeight * info.strideHeight === info.inHeight &&
    info.outWidth * info.strideWidth === info.inWidth
  );
}

/** One product, then the patches are laid side by side. */
function patchesByInput(graph: GraphBuilder, dy: LazyTensor, filter: LazyTensor, info: ConvInfo): LazyTensor {
  const { batchSize, outHeight, outWidth, filterHeight, filterWidth, inChannels, outChannels } = info;
  const matrix = reshape(graph, filter, [filterHeight * filterWidth * inChannels, outChannels]);
  const rows = matrixProduct(graph, asRows(graph, dy), matrix, { transposeB: true });
  const patches = reshape(graph, rows, [batchSize, outHeight, outWidth, filterHeight, filterWidth, inChannels]);
  return reshape(graph, transpose(graph, patches, [0, 1, 3, 2, 4, 5]), info.inShape);
}

/** The gradient by the filter: for each place of the window, input pixels against output gradients, one product. */
function byFilter(graph: GraphBuilder, x: LazyTensor, dy: LazyTensor, info: ConvInfo): LazyTensor {
  const outputs = asRows(graph, dy);
  const around = padded(graph, x, info);
  const parts = windowPlaces(info as Windows).map((place) => {
    const pixels = asRows(graph, elementOfWindows(graph, around, info, place));
    return matrixProduct(graph, pixels, outputs, { transposeA: true });
  });
  return reshape(graph, concat(graph, parts, 0), info.filterShape);
}

/** Convolutions over pictures `[B, H, W, C]`, and their gradients. */
export const convolutionKernels: KernelRules = {
  Conv2D: rule<'x' | 'filter', ConvolutionAttributes>((graph, { x, filter }, attributes) =>
    forward(graph, x, filter, geometry(x.shape, filter.shape, attributes)),
  ),
  Conv2DBackpropInput: rule<'dy' | 'filter', ConvolutionAttributes & { inputShape: Four }>(
    (graph, { dy, filter }, attributes) =>
      byInput(graph, dy, filter, geometry(attributes.inputShape, filter.shape, attributes)),
  ),
  Conv2DBackpropFilter: rule<'x' | 'dy', ConvolutionAttributes & { filterShape: Four }>(
    (graph, { x, dy }, attributes) => byFilter(graph, x, dy, geometry(x.shape, attributes.filterShape, attributes)),
  ),
  DepthwiseConv2dNative: rule<'x' | 'filter', ConvolutionAttributes>((graph, { x, filter }, attributes) => {
    const info = geometry(x.shape, filter.shape, attributes, true);
    const { inChannels, outChannels, filterHeight, filterWidth } = info;
    const kernels = reshape(graph, transpose(graph, filter, [2, 3, 0, 1]), [outChannels, 1, filterHeight, filterWidth]);
    const inputs = [transpose(graph, x, TO_NCHW), kernels].map((input) => materialize(graph, input));
    const shape = TO_NCHW.map((axis) => info.outShape[axis]!);
    const options = { attributes: convolutionAttributes(info, inChannels) };
    const [value] = graph.node('Conv', inputs, [{ shape, type: 'float32' }], options);
    return transpose(graph, computed(graph, value!, 'float32'), TO_NHWC);
  }),
};
