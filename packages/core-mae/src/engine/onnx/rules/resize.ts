import type { GraphBuilder } from '../graph.js';
import { constant, type LazyTensor } from '../operators/lazy-tensors.js';
import { reshape } from '../operators/layout.js';
import { matrixProduct } from '../operators/matrix-products.js';
import { cast } from '../operators/elementwise.js';
import { type KernelRule, type KernelRules, rule } from './rule.js';

interface ResizeAttributes {
  readonly alignCorners: boolean;
  readonly halfPixelCenters: boolean;
  readonly size: [number, number];
}

type Conventions = Omit<ResizeAttributes, 'size'>;
type Weights = (from: number, to: number, conventions: Conventions) => Float32Array;

/** `[to, from]`: how much each old place gives to each new one, between its two neighbours. */
const bilinearWeights: Weights = (from, to, { alignCorners, halfPixelCenters }) => {
  const ratio = alignCorners && to > 1 ? (from - 1) / (to - 1) : from / to;
  const weights = new Float32Array(to * from);
  for (let place = 0; place < to; place++) {
    const source = halfPixelCenters ? ratio * (place + 0.5) - 0.5 : ratio * place;
    const below = Math.max(0, Math.floor(source));
    const above = Math.max(0, Math.min(from - 1, Math.ceil(source)));
    weights[place * from + below]! += 1 - (source - below);
    weights[place * from + above]! += source - below;
  }
  return weights;
};

const nearestWeights: Weights = (from, to, { alignCorners, halfPixelCenters }) => {
  const ratio = alignCorners && to > 1 ? (from - 1) / (to - 1) : from / to;
  const weights = new Float32Array(to * from);
  for (let place = 0; place < to; place++) {
    const source = ratio * (halfPixelCenters ? place + 0.5 : place);
    const nearest = Math.min(from - 1, alignCorners ? Math.round(source) : Math.floor(source));
    weights[place * from + nearest] = 1;
  }
  return weights;
};

type Four = [number, number, number, number];

/**
 * Resizing is linear and separable, so it is two products with constant matrices, and its gradient is the products with
 * their transposes: exact, without scattering, and the same on every runtime.
 */
function resize(graph: GraphBuilder, images: LazyTensor, weights: Weights, attributes: ResizeAttributes): LazyTensor {
  const [batch, height, width, channels] = images.shape as Four;
  const [newHeight, newWidth] = attributes.size;
  const vertical = constant(weights(height, newHeight, attributes), [newHeight, height], 'float32');
  const horizontal = constant(weights(width, newWidth, attributes), [newWidth, width], 'float32');
  const columns = reshape(graph, cast(graph, images, 'float32'), [batch, height, width * channels]);
  const tall = matrixProduct(graph, vertical, columns);
  const rows = reshape(graph, tall, [batch * newHeight, width, channels]);
  return reshape(graph, matrixProduct(graph, horizontal, rows), [batch, newHeight, newWidth, channels]);
}

function resizeGradient(
  graph: GraphBuilder,
  dy: LazyTensor,
  images: LazyTensor,
  weights: Weights,
  how: Conventions,
): LazyTensor {
  const [batch, height, width, channels] = images.shape as Four;
  const [, newHeight, newWidth] = dy.shape as Four;
  const vertical = constant(weights(height, newHeight, how), [newHeight, height], 'float32');
  const horizontal = constant(weights(width, newWidth, how), [newWidth, width], 'float32');
  const rows = reshape(graph, dy, [batch * newHeight, newWidth, channels]);
  const narrow = matrixProduct(graph, horizontal, rows, { transposeA: true });
  const columns = reshape(graph, narrow, [batch, newHeight, width * channels]);
  const result = matrixProduct(graph, vertical, columns, { transposeA: true });
  return reshape(graph, result, [batch, height, width, channels]);
}

const forward = (weights: Weights): KernelRule =>
  rule<'images', ResizeAttributes>((graph, { images }, attributes) => resize(graph, images, weights, attributes));
const backward = (weights: Weights): KernelRule =>
  rule<'images' | 'dy', ResizeAttributes>((graph, { images, dy }, attributes) =>
    resizeGradient(graph, dy, images, weights, attributes),
  );

/** Resizing of pictures `[B, H, W, C]`, and its gradients. */
export const resizeKernels: KernelRules = {
  ResizeBilinear: forward(bilinearWeights),
  ResizeBilinearGrad: backward(bilinearWeights),
  ResizeNearestNeighbor: forward(nearestWeights),
  ResizeNearestNeighborGrad: backward(nearestWeights),
};
