import {
  conv2d,
  conv2dSpecs,
  gelu,
  layerNorm,
  layerNormSpecs,
  MaeError,
  type ParameterSpecs,
  prefixed,
  scope,
  spatialPrior,
  spatialPriorSpecs,
  transposedConv2d,
  transposedConv2dSpecs,
  type VitConfig,
} from '@mae-tasks/core-mae/task';
import * as tf from '@tensorflow/tfjs';
import { type HeadContext, normalize, normSpecs } from './norm.js';
import type { SegmentSettings } from '../settings.js';
import { chooseTaps } from './taps.js';
import type { Decoder } from './decoder.js';

const PREFIX = 'decode_head';
/** Pixels between cells of the finest map that convolutions on the pixels give. */
const FINEST_DETAIL = 2;

/**
 * Transposed convolutions on the tokens: every tap is normalised, several are joined by a 1×1 convolution, and each stage
 * doubles the resolution (transposed convolution of 2, norm, activation), as in the upsampling heads of SETR (Zheng et
 * al. 2021, §3.3) with learned upsampling. With `detail`, every stage is joined with what convolutions see in the pixels,
 * as in ViTMatte's decoder.
 *
 * @throws MaeError `CONFIG_INVALID` for more stages than a patch has room for
 */
export function deconvDecoder(vit: VitConfig, { taps: given, norm, deconv }: SegmentSettings): Decoder {
  const taps = chooseTaps(given, vit, false);
  const { embedDim, patchSize } = vit;
  const { channels, activation, detail } = deconv;
  const stride = patchSize / 2 ** channels.length;
  if (!Number.isInteger(stride)) {
    throw new MaeError('CONFIG_INVALID', {
      what: `\`segment.deconv.channels\` (=${channels.join(', ')}) are ${channels.length} doublings, more than a patch of ${patchSize} pixels has`,
      fix: `give channels for at most ${Math.floor(Math.log2(patchSize))} stages`,
    });
  }
  // The finest first, as the convolutions on the pixels come to them; they see no finer than every second pixel.
  const strides = channels.map((_, stage) => stride * 2 ** stage).filter((each) => each >= FINEST_DETAIL);
  const hasDetail = detail > 0 && strides.length > 0;
  const activate = activation === 'gelu' ? gelu : tf.relu;
  return {
    taps,
    stride,
    channels: channels.at(-1)!,
    specs: {
      ...tapNormSpecs(taps, vit),
      ...(taps.length > 1
        ? prefixed(`${PREFIX}.fuse.`, conv2dSpecs(taps.length * embedDim, embedDim, { kernelSize: 1 }))
        : {}),
      ...stageSpecs([embedDim, ...channels], norm),
      ...(hasDetail ? detailSpecs(vit, strides, { norm, deconv }) : {}),
    },
    features(context, maps, images) {
      const parameter = scope(context.parameters, `${PREFIX}.`);
      const normed = normalizeTaps(context, taps, vit, maps);
      let x = normed[0]!;
      if (normed.length > 1) {
        x = conv2d(
          tf.concat([...normed], 3),
          parameter<tf.Tensor4D>('fuse.weight'),
          parameter<tf.Tensor1D>('fuse.bias'),
        );
      }
      // A batch's statistics would be read by the detail alone: the encoder has none either.
      const detailNorm = norm === 'layer' ? 'layer' : 'group';
      const details = hasDetail
        ? spatialPrior(scope(context.parameters, `${PREFIX}.detail.`), images, strides, detailNorm)
        : [];
      for (let stage = 0; stage < channels.length; stage++) {
        const name = `stages.${stage}`;
        const grown = transposedConv2d(
          x,
          parameter<tf.Tensor4D>(`${name}.weight`),
          parameter<tf.Tensor1D>(`${name}.bias`),
        );
        x = activate(normalize(context, `${PREFIX}.${name}.norm`, grown)) as tf.Tensor4D;
        const seen = details[strides.length - 1 - stage];
        if (seen === undefined) continue;
        const joined = conv2d(tf.concat([x, seen], 3), parameter<tf.Tensor4D>(`fusions.${stage}.weight`));
        x = activate(normalize(context, `${PREFIX}.fusions.${stage}.norm`, joined)) as tf.Tensor4D;
      }
      return x;
    },
  };
}

function stageSpecs(widths: readonly number[], norm: SegmentSettings['norm']): ParameterSpecs {
  const specs: ParameterSpecs[] = [];
  for (let stage = 0; stage + 1 < widths.length; stage++) {
    const [numIn, numOut] = [widths[stage]!, widths[stage + 1]!];
    specs.push(prefixed(`${PREFIX}.stages.${stage}.`, transposedConv2dSpecs(numIn, numOut, { kernelSize: 2 })));
    specs.push(prefixed(`${PREFIX}.stages.${stage}.norm.`, normSpecs(norm, numOut)));
  }
  return Object.assign({}, ...specs) as ParameterSpecs;
}

function detailSpecs(
  { inChannels }: VitConfig,
  strides: readonly number[],
  { norm, deconv: { channels, detail } }: Pick<SegmentSettings, 'norm' | 'deconv'>,
): ParameterSpecs {
  const fusions = channels.slice(0, strides.length).map((width, stage) =>
    prefixed(`${PREFIX}.fusions.${stage}.`, {
      ...conv2dSpecs(width + detail, width, { kernelSize: 3, bias: false }),
      ...prefixed('norm.', normSpecs(norm, width)),
    }),
  );
  return {
    ...prefixed(`${PREFIX}.detail.`, spatialPriorSpecs({ inChannels, strides, channels: detail })),
    ...(Object.assign({}, ...fusions) as ParameterSpecs),
  };
}

/** The encoder's own final norm for its last block, which is pretrained; a norm of its own for every other tap. */
function tapNorm(tap: number, { depth }: VitConfig): string {
  return tap === depth - 1 ? 'norm' : `${PREFIX}.tap_norms.${tap}`;
}

/** Maps of taps, each token normalised. */
export function normalizeTaps(
  { parameters }: HeadContext,
  taps: readonly number[],
  vit: VitConfig,
  maps: readonly tf.Tensor4D[],
): tf.Tensor4D[] {
  return maps.map((map, index) => {
    const parameter = scope(parameters, `${tapNorm(taps[index]!, vit)}.`);
    return layerNorm(map, parameter('weight'), parameter('bias')) as tf.Tensor4D;
  });
}

export function tapNormSpecs(taps: readonly number[], vit: VitConfig): ParameterSpecs {
  const norms = taps.map((tap) => prefixed(`${tapNorm(tap, vit)}.`, layerNormSpecs(vit.embedDim)));
  return Object.assign({}, ...norms) as ParameterSpecs;
}
