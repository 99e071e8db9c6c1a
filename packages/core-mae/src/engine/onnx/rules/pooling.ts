import { backend_util } from '@tensorflow/tfjs';
import { binary, where } from '../operators/elementwise.js';
import type { GraphBuilder } from '../graph.js';
import { computed, constant, type LazyTensor, materialize, uniform } from '../operators/lazy-tensors.js';
import { transpose } from '../operators/layout.js';
import { type KernelRules, rule } from './rule.js';
import { elementOfWindows, padded, placeElement, unpadded, type Windows, windowPlaces } from './strided.js';

interface PoolAttributes {
  readonly filterSize: [number, number] | number;
  readonly strides: [number, number] | number;
  readonly pad: 'valid' | 'same' | number;
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

type PoolInfo = ReturnType<typeof backend_util.computePool2DInfo>;
type Four = [number, number, number, number];

function geometry(x: LazyTensor, { filterSize, strides, pad, dimRoundingMode }: PoolAttributes): PoolInfo {
  return backend_util.computePool2DInfo(x.shape as Four, filterSize, strides, 1, pad, dimRoundingMode);
}

function pool(graph: GraphBuilder, op: 'MaxPool' | 'AveragePool', x: LazyTensor, info: PoolInfo): LazyTensor {
  const { top, left, bottom, right } = info.padInfo;
  const attributes = {
    kernel_shape: [info.filterHeight, info.filterWidth],
    strides: [info.strideHeight, info.strideWidth],
    pads: [top, left, bottom, right],
  };
  const [batch, height, width, channels] = info.outShape;
  const input = materialize(graph, transpose(graph, x, [0, 3, 1, 2]));
  const shape = [batch, channels, height, width];
  const [value] = graph.node(op, [input], [{ shape, type: 'float32' }], { attributes });
  return transpose(graph, computed(graph, value!, 'float32'), [0, 2, 3, 1]);
}

/** A window's gradient goes to its first maximum. */
function maxPoolGradient(
  graph: GraphBuilder,
  { dy, input, output }: Readonly<Record<'dy' | 'input' | 'output', LazyTensor>>,
  windows: Windows,
): LazyTensor {
  const around = padded(graph, input, windows, Number.NEGATIVE_INFINITY);
  const zero = uniform(0, []);
  let remaining = dy;
  const parts = windowPlaces(windows).map((place) => {
    const hit = binary(graph, 'Equal', elementOfWindows(graph, around, windows, place), output, 'bool');
    const part = placeElement(graph, where(graph, hit, remaining, zero), windows, place);
    remaining = where(graph, hit, zero, remaining);
    return part;
  });
  return unpadded(graph, sum(graph, parts), windows);
}

/** A window's gradient is shared by its elements inside the picture, as its mean was taken over them. */
function averagePoolGradient(graph: GraphBuilder, dy: LazyTensor, windows: Windows): LazyTensor {
  const share = binary(graph, 'Mul', dy, constant(inverseCounts(windows), [1, ...dy.shape.slice(1, 3), 1], 'float32'));
  const parts = windowPlaces(windows).map((place) => placeElement(graph, share, windows, place));
  return unpadded(graph, sum(graph, parts), windows);
}

/** One over the number of elements inside the picture, for each window. */
function inverseCounts(windows: Windows): number[] {
  const { outHeight, outWidth, strideHeight, strideWidth, filterHeight, filterWidth, padInfo } = windows;
  const inside = (index: number, stride: number, filter: number, before: number, size: number): number => {
    const start = index * stride - before;
    return Math.min(start + filter, size) - Math.max(start, 0);
  };
  return Array.from({ length: outHeight * outWidth }, (_, index) => {
    const row = Math.floor(index / outWidth);
    const rows = inside(row, strideHeight, filterHeight, padInfo.top, windows.inHeight);
    const columns = inside(index % outWidth, strideWidth, filterWidth, padInfo.left, windows.inWidth);
    return 1 / (rows * columns);
  });
}

function sum(graph: GraphBuilder, parts: readonly LazyTensor[]): LazyTensor {
  return parts.reduce((total, part) => binary(graph, 'Add', total, part));
}

/** Pooling over pictures `[B, H, W, C]`, and its gradients. */
export const poolingKernels: KernelRules = {
  MaxPool: rule<'x', PoolAttributes>((graph, { x }, attributes) => pool(graph, 'MaxPool', x, geometry(x, attributes))),
  AvgPool: rule<'x', PoolAttributes>((graph, { x }, attributes) =>
    pool(graph, 'AveragePool', x, geometry(x, attributes)),
  ),
  MaxPoolGrad: rule<'dy' | 'input' | 'output', PoolAttributes>((graph, inputs, attributes) =>
    maxPoolGradient(graph, inputs, geometry(inputs.input, attributes)),
  ),
  AvgPoolGrad: rule<'dy' | 'input', PoolAttributes>((graph, { dy, input }, attributes) =>
    averagePoolGradient(graph, dy, geometry(input, attributes)),
  ),
};
