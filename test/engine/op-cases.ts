import * as tf from '@tensorflow/tfjs';

export interface Input {
  readonly shape: number[];
  readonly dtype?: 'int32' | 'bool';
  /** Values come from normal ones by this map; by default they are kept. Integers are drawn below `below`. */
  readonly map?: (value: number) => number;
  readonly below?: number;
}

export interface OpCase {
  readonly name: string;
  readonly inputs: readonly Input[];
  readonly fn: (...inputs: tf.Tensor[]) => tf.Tensor | tf.Tensor[];
  /** Whether gradients exist and are compared; default true where an input is float32. */
  readonly gradient?: boolean;
  /** Why TF.js's own gradient is not the reference: then only finite differences are. */
  readonly eagerGradientIsWrong?: string;
}

const float = (...shape: number[]): Input => ({ shape });
const positive = (...shape: number[]): Input => ({ shape, map: (value) => Math.abs(value) + 0.2 });
const within = (...shape: number[]): Input => ({ shape, map: (value) => 0.9 * Math.tanh(value) });
/** Away from 0, where functions have kinks. */
const apart = (...shape: number[]): Input => ({ shape, map: (value) => value + 0.2 * Math.sign(value) });
const integers = (below: number, ...shape: number[]): Input => ({ shape, dtype: 'int32', below });
const booleans = (...shape: number[]): Input => ({ shape, dtype: 'bool', below: 2 });

const unary = (name: string, fn: (x: tf.Tensor) => tf.Tensor, input: Input = apart(2, 3)): OpCase => ({
  name,
  inputs: [input],
  fn: fn,
});
const stepped = (name: string, fn: (x: tf.Tensor) => tf.Tensor, input: Input = apart(2, 3)): OpCase => ({
  ...unary(name, fn, input),
  gradient: false,
});
const binary = (
  name: string,
  fn: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor,
  inputs: [Input, Input] = [apart(2, 3), apart(3)],
  gradient = true,
): OpCase => ({ name, inputs, fn: fn, gradient });

const elementwise: OpCase[] = [
  unary('abs', tf.abs),
  unary('neg', tf.neg),
  unary('exp', tf.exp),
  unary('expm1', tf.expm1, { shape: [6], map: (x) => x * 1e-3 }),
  unary('log', tf.log, positive(2, 3)),
  unary('log1p', tf.log1p, { shape: [6], map: (x) => Math.abs(x) * 1e-3 }),
  unary('log1p far from zero', tf.log1p, positive(6)),
  unary('sqrt', tf.sqrt, positive(2, 3)),
  unary('rsqrt', tf.rsqrt, positive(2, 3)),
  unary('square', tf.square),
  unary('reciprocal', tf.reciprocal),
  unary('sin', tf.sin),
  unary('cos', tf.cos),
  unary('tan', tf.tan, within(6)),
  unary('asin', tf.asin, within(6)),
  unary('acos', tf.acos, within(6)),
  unary('atan', tf.atan),
  unary('sinh', tf.sinh),
  unary('cosh', tf.cosh),
  unary('tanh', tf.tanh),
  unary('asinh', tf.asinh),
  unary('acosh', tf.acosh, { shape: [6], map: (x) => Math.abs(x) + 1.5 }),
  unary('atanh', tf.atanh, within(6)),
  unary('erf', tf.erf),
  unary('sigmoid', tf.sigmoid),
  unary('logSigmoid', tf.logSigmoid),
  unary('softplus', tf.softplus),
  unary('relu', tf.relu),
  unary('relu6', tf.relu6),
  unary('elu', tf.elu),
  unary('selu', tf.selu),
  unary('leakyRelu', (x) => tf.leakyRelu(x, 0.1)),
  binary('prelu', tf.prelu, [apart(2, 3), positive(3)]),
  unary('clipByValue', (x) => tf.clipByValue(x, -0.7, 0.9)),
  stepped('sign', tf.sign),
  stepped('floor', tf.floor),
  stepped('ceil', tf.ceil),
  stepped('round', tf.round, { shape: [7], map: (x) => Math.round(x * 2) / 2 }),
  stepped('step', (x) => tf.step(x, 0.3)),
  stepped('isNaN', (x) => tf.isNaN(tf.sqrt(x))),
  stepped('isInf', (x) => tf.isInf(tf.div(x, tf.relu(x)))),
  stepped('isFinite', (x) => tf.isFinite(tf.div(1, tf.relu(x)))),
  binary('add', tf.add),
  binary('sub', tf.sub),
  binary('mul', tf.mul),
  binary('div', tf.div),
  binary('pow', tf.pow, [positive(2, 3), float(3)]),
  binary('maximum', tf.maximum, [apart(2, 3), apart(2, 3)]),
  binary('minimum', tf.minimum, [apart(2, 3), apart(2, 3)]),
  binary('squaredDifference', tf.squaredDifference, [float(2, 3), float(2, 3)]),
  { ...binary('mod', tf.mod), gradient: false },
  { ...binary('floorDiv', tf.floorDiv), gradient: false },
  {
    name: 'floorDiv of integers',
    inputs: [integers(100, 6)],
    fn: (x) => tf.floorDiv(tf.sub(x, 50), tf.scalar(7, 'int32')),
  },
  {
    name: 'mod of integers',
    inputs: [integers(100, 6)],
    fn: (x) => tf.mod(tf.sub(x, tf.scalar(50, 'int32')), tf.scalar(7, 'int32')),
  },
  { name: 'addN', inputs: [float(3), float(3), float(3)], fn: (...all) => tf.addN(all) },
  unary('broadcast scalars both sides', (x) => tf.add(tf.mul(2, x), tf.sub(1, tf.div(3, x)))),
  binary('column against row', (a, b) => tf.mul(a, b), [float(3, 1), float(1, 4)]),
  unary('a chain of lazy broadcasts', (x) => tf.add(tf.mul(tf.ones([4, 2, 3]), tf.sub(x, 0)), tf.zeros([4, 1, 1]))),
];

const logic: OpCase[] = [
  ...(
    [
      ['equal', tf.equal],
      ['notEqual', tf.notEqual],
      ['greater', tf.greater],
      ['greaterEqual', tf.greaterEqual],
      ['less', tf.less],
      ['lessEqual', tf.lessEqual],
    ] as const
  ).map(([name, fn]): OpCase => ({
    name,
    inputs: [integers(3, 8), integers(3, 8)],
    fn: fn,
  })),
  { name: 'logicalAnd', inputs: [booleans(6), booleans(6)], fn: (a, b) => tf.logicalAnd(a, b) },
  { name: 'logicalOr', inputs: [booleans(6), booleans(6)], fn: (a, b) => tf.logicalOr(a, b) },
  { name: 'logicalXor', inputs: [booleans(6), booleans(6)], fn: (a, b) => tf.logicalXor(a, b) },
  { name: 'logicalNot', inputs: [booleans(6)], fn: (a) => tf.logicalNot(a) },
  { name: 'equal of booleans', inputs: [booleans(6), booleans(6)], fn: (a, b) => tf.equal(a, b) },
  { name: 'where', inputs: [booleans(2, 3), float(2, 3), float(2, 3)], fn: (c, a, b) => tf.where(c, a, b) },
  {
    name: 'where by rows',
    inputs: [booleans(4, 1), float(4, 3), float(4, 3)],
    fn: (c, a, b) => tf.where(c, a, b),
    gradient: false,
  },
  { name: 'where with a scalar', inputs: [booleans(2, 3), float(2, 3)], fn: (c, a) => tf.where(c, a, tf.scalar(0)) },
  { name: 'all', inputs: [booleans(3, 2)], fn: (a) => tf.all(a, 1) },
  { name: 'any', inputs: [booleans(3, 2)], fn: (a) => tf.any(a, 0) },
  { name: 'cast bool to float', inputs: [booleans(6)], fn: (a) => tf.cast(a, 'float32') },
  stepped('cast float to int', (x) => tf.cast(x, 'int32'), { shape: [6], map: (x) => x * 3 }),
  { name: 'sum of booleans', inputs: [booleans(6)], fn: (a) => tf.sum(a) },
];

const reductions: OpCase[] = [
  unary('sum of all', tf.sum, float(2, 3)),
  unary('sum over the middle', (x) => tf.sum(x, 1), float(2, 3, 4)),
  unary('sum keeping dims', (x) => tf.sum(x, [0, 2], true), float(2, 3, 4)),
  { name: 'sum of integers', inputs: [integers(9, 5)], fn: (x) => tf.sum(x) },
  unary('mean', (x) => tf.mean(x, -1), float(2, 3)),
  { name: 'mean of integers', inputs: [integers(9, 5)], fn: (x) => tf.mean(x) },
  unary('max', (x) => tf.max(x, 1), float(2, 5)),
  unary('min', (x) => tf.min(x, 0), float(4, 3)),
  unary('prod', (x) => tf.prod(x, 1), apart(2, 4)),
  unary('logSumExp', (x) => tf.logSumExp(x, 1), float(2, 5)),
  unary('norm', (x) => tf.norm(x), float(5)),
  unary('norm of rows', (x) => tf.norm(x, 2, 1), float(3, 4)),
  { name: 'moments', inputs: [float(3, 4)], fn: (x) => [tf.moments(x, 0).mean, tf.moments(x, 0).variance] },
  unary('cumsum', (x) => tf.cumsum(x, 1), float(2, 5)),
  unary('cumsum, exclusive and reversed', (x) => tf.cumsum(x, 1, true, true), float(4, 2)),
  { ...unary('cumprod', (x) => tf.cumprod(x, 1), float(2, 5)), gradient: false },
  { ...unary('cumprod, exclusive and reversed', (x) => tf.cumprod(x, 0, true, true), float(6, 2)), gradient: false },
  stepped('argMax', (x) => tf.argMax(x, 1), float(3, 5)),
  stepped('argMin', (x) => tf.argMin(x, 0), float(5, 3)),
  {
    name: 'topk',
    inputs: [float(2, 6)],
    gradient: false,
    fn: (x) => Object.values(tf.topk(x, 3)),
  },
  unary('softmax', (x) => tf.softmax(x), float(3, 5)),
  unary('logSoftmax', (x) => tf.logSoftmax(x), float(3, 5)),
  {
    name: 'cross entropy',
    inputs: [integers(4, 3), float(3, 4)],
    fn: (labels, logits) => tf.losses.softmaxCrossEntropy(tf.oneHot(labels as tf.Tensor1D, 4), logits),
  },
];

const layout: OpCase[] = [
  unary('reshape', (x) => tf.reshape(x, [3, -1]), float(2, 3, 2)),
  unary('reshape of a transpose', (x) => tf.reshape(tf.transpose(x, [1, 0, 2]), [-1, 2]), float(2, 3, 2)),
  unary('transpose twice', (x) => tf.transpose(tf.transpose(x, [2, 0, 1]), [2, 1, 0]), float(2, 3, 4)),
  unary('expandDims and squeeze', (x) => tf.squeeze(tf.expandDims(tf.expandDims(x, 1), -1), [1]), float(2, 3)),
  unary('slice', (x) => tf.slice(x, [0, 1, 2], [2, -1, 1]), float(2, 3, 4)),
  { ...unary('stridedSlice', (x) => tf.stridedSlice(x, [0, 4], [3, 0], [2, -2]), float(3, 5)), gradient: false },
  {
    ...unary('stridedSlice to the first', (x) => tf.stridedSlice(x, [4], [-6], [-1]), float(5)),
    gradient: false,
  },
  { name: 'concat', inputs: [float(2, 1, 2), float(2, 3, 2)], fn: (a, b) => tf.concat([a, b], 1) },
  { name: 'stack', inputs: [float(2, 3), float(2, 3)], fn: (a, b) => tf.stack([a, b], 1) },
  { name: 'unstack', inputs: [float(3, 2)], fn: (x) => tf.unstack(x) },
  { name: 'split', inputs: [float(2, 6)], fn: (x) => tf.split(x, [1, 2, 3], 1) },
  unary(
    'pad',
    (x) =>
      tf.pad(
        x,
        [
          [1, 0],
          [0, 2],
        ],
        0.5,
      ),
    float(2, 3),
  ),
  {
    ...unary(
      'mirrorPad reflect',
      (x) =>
        tf.mirrorPad(
          x,
          [
            [1, 1],
            [0, 2],
          ],
          'reflect',
        ),
      float(3, 4),
    ),
    gradient: false,
  },
  {
    ...unary(
      'mirrorPad symmetric',
      (x) =>
        tf.mirrorPad(
          x,
          [
            [2, 1],
            [0, 2],
          ],
          'symmetric',
        ),
      float(3, 4),
    ),
    gradient: false,
  },
  unary('tile', (x) => tf.tile(x, [2, 3]), float(2, 2)),
  unary('broadcastTo', (x) => tf.broadcastTo(x, [4, 2, 3]), float(1, 2, 3)),
  unary('reverse', (x) => tf.reverse(x, [0, 1]), float(2, 3)),
  stepped('depthToSpace', (x) => tf.depthToSpace(x as tf.Tensor4D, 2), float(1, 2, 3, 8)),
];

const indexing: OpCase[] = [
  { name: 'gather', inputs: [float(5, 2), integers(5, 7)], fn: (x, i) => tf.gather(x, i) },
  { name: 'gather on axis 1', inputs: [float(2, 5, 3), integers(5, 4)], fn: (x, i) => tf.gather(x, i, 1) },
  { name: 'gather by a matrix', inputs: [float(5, 2), integers(5, 2, 3)], fn: (x, i) => tf.gather(x, i) },
  {
    name: 'gather from a long table',
    inputs: [float(300, 2), integers(300, 40)],
    fn: (x, i) => tf.gather(x, i),
  },
  {
    name: 'gather per sample',
    inputs: [float(2, 5, 3), integers(5, 2, 4)],
    fn: (x, i) => tf.gather(x, i, 1, 1),
  },
  { name: 'gatherND', inputs: [float(3, 4, 2), integers(3, 5, 2)], fn: (x, i) => tf.gatherND(x, i), gradient: false },
  {
    name: 'unsortedSegmentSum',
    inputs: [float(6, 2), integers(4, 6)],
    fn: (x, i) => tf.unsortedSegmentSum(x, i as tf.Tensor1D, 3),
  },
  {
    name: 'unsortedSegmentSum into many',
    inputs: [float(6, 2), integers(400, 6)],
    fn: (x, i) => tf.unsortedSegmentSum(x, i as tf.Tensor1D, 390),
    gradient: false,
  },
  {
    name: 'scatterND',
    inputs: [integers(4, 6, 1), float(6, 2)],
    fn: (i, x) => tf.scatterND(i, x, [4, 2]),
    gradient: false,
  },
  { name: 'oneHot', inputs: [integers(6, 5)], fn: (i) => tf.oneHot(i, 4, 2, -1) },
  {
    name: 'range, linspace and eye',
    inputs: [float(3)],
    fn: (x) => tf.add(tf.add(tf.range(0, 3), tf.linspace(0, 1, 3)), tf.sum(tf.mul(tf.eye(3), x))),
  },
];

const matrices: OpCase[] = [
  binary('matMul', (a, b) => tf.matMul(a, b), [float(3, 4), float(4, 2)]),
  binary('matMul, both transposed', (a, b) => tf.matMul(a, b, true, true), [float(4, 3), float(2, 4)]),
  binary('matMul of stacks', (a, b) => tf.matMul(a, b), [float(2, 3, 4), float(2, 4, 5)]),
  binary('matMul of stacks, second transposed', (a, b) => tf.matMul(a, b, false, true), [
    float(2, 3, 4),
    float(2, 5, 4),
  ]),
  binary('matMul of a stack of one', (a, b) => tf.matMul(a, b, true), [float(1, 4, 3), float(1, 4, 5)]),
  binary('matMul broadcasting the stack', (a, b) => tf.matMul(a, b), [float(2, 3, 4), float(1, 4, 5)], false),
  binary('dot', tf.dot, [float(4), float(4)]),
  {
    ...binary('einsum', (a, b) => tf.einsum('bij, bjk -> ikb', a, b), [float(2, 3, 4), float(2, 4, 5)]),
    gradient: false,
  },
  {
    name: 'linear layer with bias',
    inputs: [float(2, 3, 4), float(4, 5), float(5)],
    fn: (x, w, b) => tf.reshape(tf.add(tf.matMul(tf.reshape(x, [-1, 4]), w), b), [2, 3, 5]),
  },
  {
    name: 'two products added up',
    inputs: [float(3, 4), float(4, 5), float(4, 5)],
    fn: (x, a, b) => tf.add(tf.matMul(x, a), tf.matMul(x, b)),
  },
];

type Picture = tf.Tensor4D;
const convolution = (
  name: string,
  picture: number[],
  filter: number[],
  strides: number,
  pad: 'same' | 'valid' | number,
  dilations = 1,
): OpCase => ({
  name: `conv2d ${name}`,
  inputs: [float(...picture), float(...filter)],
  fn: (x, w) => tf.conv2d(x as Picture, w as Picture, strides, pad, 'NHWC', dilations),
  gradient: dilations === 1,
});
const transposedConvolution = (
  name: string,
  picture: number[],
  filter: number[],
  outShape: [number, number, number, number],
  strides: number,
  pad: 'same' | 'valid',
): OpCase => ({
  name: `conv2dTranspose ${name}`,
  inputs: [float(...picture), float(...filter)],
  fn: (x, w) => tf.conv2dTranspose(x as Picture, w as Picture, outShape, strides, pad),
});
const resizing = (
  op: 'resizeBilinear' | 'resizeNearestNeighbor',
  size: [number, number],
  alignCorners: boolean,
  halfPixel: boolean,
): OpCase => ({
  name: `${op} to ${size.join('×')}${alignCorners ? ', aligned corners' : halfPixel ? ', half pixels' : ''}`,
  // One square picture, because TF.js's gradients confuse height and width (bilinear) and pictures (nearest).
  inputs: [float(1, 5, 5, 2)],
  fn: (x) => tf.image[op](x as Picture, size, alignCorners, halfPixel),
  ...(halfPixel ? { eagerGradientIsWrong: 'TF.js ignores halfPixelCenters in its gradient' } : {}),
});

const pictures: OpCase[] = [
  convolution('1×1', [2, 3, 4, 2], [1, 1, 2, 3], 1, 'valid'),
  convolution('3×3, same', [2, 5, 4, 2], [3, 3, 2, 3], 1, 'same'),
  convolution('3×3, stride 2, same', [1, 6, 5, 2], [3, 3, 2, 3], 2, 'same'),
  convolution('3×2, stride 2, valid with a rest', [1, 6, 6, 2], [3, 2, 2, 3], 2, 'valid'),
  convolution('patches', [2, 4, 6, 3], [2, 2, 3, 4], 2, 'valid'),
  convolution('padding wider than the filter', [1, 3, 4, 2], [2, 2, 2, 3], 1, 2),
  convolution('padding 2', [1, 4, 4, 2], [3, 3, 2, 2], 1, 2),
  convolution('dilated', [1, 6, 6, 2], [2, 2, 2, 2], 1, 'same', 2),
  // Channels in whole blocks, for which ONNX Runtime has kernels of their own.
  convolution('32 channels, same', [2, 4, 3, 32], [3, 3, 32, 32], 1, 'same'),
  convolution('32 to 64 channels, stride 2', [1, 6, 5, 32], [3, 3, 32, 64], 2, 'same'),
  convolution('32 to 64 channels, valid, not square', [2, 5, 6, 32], [3, 2, 32, 64], 1, 'valid'),
  convolution('32 channels, dilated', [1, 6, 6, 32], [2, 2, 32, 32], 1, 'same', 2),
  {
    name: 'two convolutions of 32 channels in a row, the first also read elsewhere',
    inputs: [float(1, 4, 5, 32), float(3, 3, 32, 32), float(3, 3, 32, 32)],
    fn: (x, first, second) => {
      const inner = tf.conv2d(x as Picture, first as Picture, 1, 'same');
      const outer = tf.conv2d(inner, second as Picture, 1, 'same');
      return tf.add(outer, tf.transpose(tf.transpose(inner, [0, 3, 1, 2]), [0, 2, 3, 1]));
    },
  },
  transposedConvolution('doubling', [2, 3, 2, 3], [2, 2, 4, 3], [2, 6, 4, 4], 2, 'valid'),
  transposedConvolution('overlapping', [1, 3, 3, 2], [3, 3, 2, 2], [1, 6, 6, 2], 2, 'same'),
  transposedConvolution('valid', [1, 3, 3, 2], [3, 3, 2, 2], [1, 8, 8, 2], 2, 'valid'),
  {
    name: 'depthwiseConv2d',
    inputs: [float(1, 5, 5, 3), float(3, 3, 3, 2)],
    fn: (x, w) => tf.depthwiseConv2d(x as Picture, w as Picture, 1, 'same'),
    gradient: false,
  },
  { name: 'maxPool', inputs: [float(2, 4, 6, 2)], fn: (x) => tf.maxPool(x as Picture, 2, 2, 'valid') },
  { name: 'maxPool, overlapping', inputs: [float(1, 5, 5, 2)], fn: (x) => tf.maxPool(x as Picture, 3, 2, 'same') },
  { name: 'avgPool', inputs: [float(2, 4, 6, 2)], fn: (x) => tf.avgPool(x as Picture, 2, 2, 'valid') },
  {
    name: 'avgPool, padded',
    inputs: [float(1, 5, 5, 2)],
    fn: (x) => tf.avgPool(x as Picture, 3, 2, 'same'),
    eagerGradientIsWrong: 'TF.js divides by the whole window at the border too',
  },
  ...(['resizeBilinear', 'resizeNearestNeighbor'] as const).flatMap((op) => [
    resizing(op, [7, 9], false, false),
    resizing(op, [8, 10], true, false),
    resizing(op, [8, 10], false, true),
    resizing(op, [2, 3], false, true),
  ]),
  {
    name: 'batchNorm',
    inputs: [float(2, 3, 3, 2), float(2), positive(2), float(2), float(2)],
    fn: (x, mean, variance, offset, scale) => tf.batchNorm(x, mean, variance, offset, scale),
  },
];

/** Every op that a model may use, with inputs small enough for finite differences. */
export const opCases: readonly OpCase[] = [
  ...elementwise,
  ...logic,
  ...reductions,
  ...layout,
  ...indexing,
  ...matrices,
  ...pictures,
];
