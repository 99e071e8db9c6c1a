import type * as tf from '@tensorflow/tfjs';
import {
  conv2d,
  conv2dSpecs,
  type NamedTensors,
  type ParameterSpecs,
  prefixed,
  scope,
  spatialPrior,
  spatialPriorSpecs,
} from '@mae-tasks/core-mae/task';
import type { OneStageConfig } from './config.js';

const PREFIX = 'spm.';

type PriorConfig = Pick<OneStageConfig, 'vit' | 'strides' | 'pyramidChannels' | 'spatialPrior'>;

/**
 * Parameters of the convolutions beside the encoder, named after the spatial prior module of ViT-Adapter: nothing where
 * there is none.
 */
export function pyramidPriorSpecs({
  vit,
  strides,
  pyramidChannels,
  spatialPrior: channels,
}: PriorConfig): ParameterSpecs {
  if (channels === 0) return {};
  // Named `fc2` … for the levels in ViT-Adapter; here by their number.
  const levels = strides.map((_, index) =>
    prefixed(`fc.${index}.`, conv2dSpecs(channels, pyramidChannels, { kernelSize: 1 })),
  );
  return prefixed(PREFIX, {
    ...spatialPriorSpecs({ inChannels: vit.inChannels, strides, channels }),
    ...(Object.assign({}, ...levels) as ParameterSpecs),
  });
}

/** What is added to each level of the pyramid: `[B, H, W, 3]` → `[B, h, w, C]`, finest first. */
export function pyramidPrior(
  parameters: NamedTensors,
  images: tf.Tensor4D,
  { strides }: Pick<OneStageConfig, 'strides'>,
): tf.Tensor4D[] {
  const parameter = scope(parameters, PREFIX);
  return spatialPrior(parameter, images, strides, 'group').map((map, index) =>
    conv2d(map, parameter(`fc.${index}.weight`), parameter<tf.Tensor1D>(`fc.${index}.bias`)),
  );
}
