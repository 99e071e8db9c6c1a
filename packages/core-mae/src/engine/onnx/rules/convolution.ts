import { backend_util } from '@tensorflow/tfjs';
import type { Attributes, GraphBuilder } from '../graph.js';
import { computed, constant, type LazyTensor, materialize } from '../operators/lazy-tensors.js';
import { asRows, concat, gather, reshape, slice, transpose } from '../operators/layout.js';
import { matrixProduct } from '../operators/matrix-products.js';
import { unsupported } from '../operators/unsupported.js';
import { type KernelRules, rule } from './rule.js';
import { padded } from './strided.js';

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
/** The same with in and out exchanged, for gradients. */
const IN_OUT_SWAPPED = [2, 3, 0, 1];

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
  return convolve(graph, inputs, info.outShape, convolutionAttributes(info));
}

/** The gradient by the input, which is also the transposed convolution. */
function byInput(graph: GraphBuilder, dy: LazyTensor, filter: LazyTensor, info: ConvInfo): LazyTensor {
  if (isPointwise(info)) {
    const rows = matrixProduct(graph, asRows(graph, dy), filterMatrix(graph, filter), { transposeB: true });
    return reshape(graph, rows, info.inShape);
  }
  if (isPatchwise(info)) return patchesByInput(graph, dy, filter, info);
  if (slides(info)) return slidesByInput(graph, dy, filter, info);
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

/** Whether windows move by single pixels, and each of them sees some of the picture and not padding alone. */
function slides({
  strideHeight,
  strideWidth,
  effectiveFilterHeight,
  effectiveFilterWidth,
  padInfo,
}: ConvInfo): boolean {
  const { top, left, bottom, right } = padInfo;
  return (
    strideHeight * strideWidth === 1 &&
    Math.max(top, bottom) < effectiveFilterHeight &&
    Math.max(left, right) < effectiveFilterWidth
  );
}

/** Where windows slide: a convolution of the outputs' gradients with the filter turned around. */
function slidesByInput(graph: GraphBuilder, dy: LazyTensor, filter: LazyTensor, info: ConvInfo): LazyTensor {
  const { top, left, bottom, right } = info.padInfo;
  const [height, width, ...channels] = filter.shape as Four;
  const turned = slice(graph, filter, {
    begin: [height - 1, width - 1, 0, 0],
    end: [-1, -1, ...channels],
    steps: [-1, -1, 1, 1],
  });
  const [rows, columns] = [info.effectiveFilterHeight - 1, info.effectiveFilterWidth - 1];
  const pads = [rows - top, columns - left, rows - bottom, columns - right];
  const inputs = [transpose(graph, dy, TO_NCHW), transpose(graph, turned, IN_OUT_SWAPPED)];
  return convolve(graph, inputs, info.inShape, { ...convolutionAttributes(info), pads });
}

function convolve(
  graph: GraphBuilder,
  inputs: readonly LazyTensor[],
  outShape: readonly number[],
  attributes: Attributes,
): LazyTensor {
  const values = inputs.map((input) => materialize(graph, input));
  const shape = TO_NCHW.map((axis) => outShape[axis]!);
  const [value] = graph.node('Conv', values, [{ shape, type: 'float32' }], { attributes });
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

/** Numbers in the largest matrix that the gradient by a filter may lay out: 256 MiB. */
const LARGEST_LAYOUT = 2 ** 26;

/**
 * The gradient by the filter: the input pixels under each window, as rows, against the outputs' gradients. One product
 * for the whole window, or, where its rows would take too much memory, one for each line of the window.
 */
function byFilter(graph: GraphBuilder, x: LazyTensor, dy: LazyTensor, info: ConvInfo): LazyTensor {
  const outputs = asRows(graph, dy);
  if (isPointwise(info)) {
    const product = matrixProduct(graph, asRows(graph, x), outputs, { transposeA: true });
    return reshape(graph, product, info.filterShape);
  }
  const pixels = asRows(graph, padded(graph, x, info));
  const [numOutputs] = outputs.shape as [number, number];
  const window = info.filterHeight * info.filterWidth * info.inChannels;
  const lines = numOutputs * window <= LARGEST_LAYOUT ? info.filterHeight : 1;
  const parts = Array.from({ length: info.filterHeight / lines }, (_, part) => {
    const places = pixelsOfWindows(info, part * lines, lines);
    const gathered = gather(graph, pixels, constant(places, [places.length], 'int32'), 0);
    const windows = reshape(graph, gathered, [numOutputs, (places.length / numOutputs) * info.inChannels]);
    return matrixProduct(graph, windows, outputs, { transposeA: true });
  });
  return reshape(graph, concat(graph, parts, 0), info.filterShape);
}

/** Which of the padded pictures' pixels lie under some lines of each window, window by window. */
function pixelsOfWindows(info: ConvInfo, first: number, lines: number): Int32Array {
  const { batchSize, outHeight, outWidth, filterWidth, strideHeight, strideWidth, padInfo } = info;
  const height = info.inHeight + padInfo.top + padInfo.bottom;
  const width = info.inWidth + padInfo.left + padInfo.right;
  const offsets = Array.from({ length: lines * filterWidth }, (_, at) => {
    const [line, column] = [first + Math.floor(at / filterWidth), at % filterWidth];
    return line * info.dilationHeight * width + column * info.dilationWidth;
  });
  const places = new Int32Array(batchSize * outHeight * outWidth * offsets.length);
  let at = 0;
  for (let picture = 0; picture < batchSize; picture++) {
    for (let y = 0; y < outHeight; y++) {
      for (let x = 0; x < outWidth; x++) {
        const corner = (picture * height + y * strideHeight) * width + x * strideWidth;
        for (const offset of offsets) places[at++] = corner + offset;
      }
    }
  }
  return places;
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
    const inputs = [transpose(graph, x, TO_NCHW), kernels];
    return convolve(graph, inputs, info.outShape, convolutionAttributes(info, inChannels));
  }),
};
