import {
  adaptiveAveragePool,
  gelu,
  MaeError,
  maxPool,
  type ParameterSpecs,
  patchGrid,
  prefixed,
  resizeBilinear,
  scope,
  transposedConv2d,
  transposedConv2dSpecs,
  type VitConfig,
} from '@mae-tasks/core-mae/task';
import * as tf from '@tensorflow/tfjs';
import { convModule, convModuleSpecs, type HeadContext, normalize, normSpecs } from './norm.js';
import type { SegmentSettings } from '../settings.js';
import { chooseTaps } from './taps.js';
import type { Decoder } from './decoder.js';

const HEAD = 'decode_head';
const NECK = 'neck';

/**
 * UPerNet on a pyramid made of four taps (mmsegmentation's `Feature2Pyramid` and `UPerHead`, `upernet_mae.py`): the taps
 * at 4, 2, 1 and half the tokens' resolution, a pooling pyramid on the deepest, lateral connections from deep to shallow,
 * all levels joined at the finest. Names are mmsegmentation's.
 *
 * @throws MaeError `CONFIG_INVALID` for a patch or a grid that the pyramid cannot be made of
 */
export function upernetDecoder(vit: VitConfig, { taps: given, norm, upernet }: SegmentSettings): Decoder {
  const taps = chooseTaps(given, vit, true);
  const { embedDim, patchSize } = vit;
  const { height, width } = patchGrid(vit);
  if (patchSize % 4 !== 0 || height < 2 || width < 2) {
    throw new MaeError('CONFIG_INVALID', {
      what: `the decoder "upernet" needs patches of a multiple of 4 pixels and two of them along each side; \`patchSize\` is ${patchSize}, the grid ${height} × ${width}`,
      fix: 'use another `segment.decoder` or a larger `model.imageSize`',
    });
  }
  const channels = upernet.channels ?? embedDim;
  const { poolScales } = upernet;
  return {
    taps,
    stride: patchSize / 4,
    channels,
    specs: { ...neckSpecs(embedDim, norm), ...headSpecs({ embedDim, channels, poolScales }, norm) },
    features: (context, maps) => decodePyramid(context, pyramidOf(context, maps), poolScales),
  };
}

function neckSpecs(embedDim: number, norm: SegmentSettings['norm']): ParameterSpecs {
  const grown = transposedConv2dSpecs(embedDim, embedDim, { kernelSize: 2 });
  return {
    ...prefixed(`${NECK}.upsample_4x.0.`, grown),
    ...prefixed(`${NECK}.upsample_4x.1.`, normSpecs(norm, embedDim)),
    ...prefixed(`${NECK}.upsample_4x.3.`, grown),
    ...prefixed(`${NECK}.upsample_2x.0.`, grown),
  };
}

function pyramidOf(context: HeadContext, maps: readonly tf.Tensor4D[]): tf.Tensor4D[] {
  const parameter = scope(context.parameters, `${NECK}.`);
  const grow = (x: tf.Tensor4D, name: string): tf.Tensor4D =>
    transposedConv2d(x, parameter<tf.Tensor4D>(`${name}.weight`), parameter<tf.Tensor1D>(`${name}.bias`));
  const [first, second, third, fourth] = maps as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D, tf.Tensor4D];
  const doubled = normalize(context, `${NECK}.upsample_4x.1`, grow(first, 'upsample_4x.0'));
  return [
    grow(gelu(doubled) as tf.Tensor4D, 'upsample_4x.3'),
    grow(second, 'upsample_2x.0'),
    third,
    maxPool(fourth, 2),
  ];
}

function headSpecs(
  sizes: { readonly embedDim: number; readonly channels: number; readonly poolScales: readonly number[] },
  norm: SegmentSettings['norm'],
): ParameterSpecs {
  const { embedDim, channels, poolScales } = sizes;
  const conv = (name: string, numIn: number, kernelSize: number): ParameterSpecs =>
    convModuleSpecs(`${HEAD}.${name}`, norm, { numIn, numOut: channels, kernelSize });
  return {
    ...(Object.assign(
      {},
      ...poolScales.map((_, index) => conv(`psp_modules.${index}.1`, embedDim, 1)),
    ) as ParameterSpecs),
    ...conv('bottleneck', embedDim + poolScales.length * channels, 3),
    ...(Object.assign({}, ...[0, 1, 2].map((level) => conv(`lateral_convs.${level}`, embedDim, 1))) as ParameterSpecs),
    ...(Object.assign({}, ...[0, 1, 2].map((level) => conv(`fpn_convs.${level}`, channels, 3))) as ParameterSpecs),
    ...conv('fpn_bottleneck', 4 * channels, 3),
  };
}

function decodePyramid(
  context: HeadContext,
  levels: readonly tf.Tensor4D[],
  poolScales: readonly number[],
): tf.Tensor4D {
  const conv = (name: string, x: tf.Tensor4D): tf.Tensor4D => convModule(context, `${HEAD}.${name}`, x);
  const deepest = levels.at(-1)!;
  const pooled = poolScales.map((side, index) => {
    const means = adaptiveAveragePool(deepest, { height: side, width: side });
    return resizeBilinear(conv(`psp_modules.${index}.1`, means), sizeOf(deepest));
  });
  const laterals = levels.slice(0, -1).map((level, index) => conv(`lateral_convs.${index}`, level));
  laterals.push(conv('bottleneck', tf.concat([deepest, ...pooled], 3)));
  for (let index = laterals.length - 2; index >= 0; index--) {
    const lateral = laterals[index]!;
    laterals[index] = tf.add(lateral, resizeBilinear(laterals[index + 1]!, sizeOf(lateral)));
  }
  const finest = sizeOf(laterals[0]!);
  const joined = laterals.map((lateral, index) => {
    const smooth = index === laterals.length - 1 ? lateral : conv(`fpn_convs.${index}`, lateral);
    return resizeBilinear(smooth, finest);
  });
  return conv('fpn_bottleneck', tf.concat(joined, 3));
}

function sizeOf({ shape: [, height, width] }: tf.Tensor4D): { height: number; width: number } {
  return { height, width };
}
