import {
  batchNorm,
  batchNormSpecs,
  conv2d,
  conv2dSpecs,
  groupNorm,
  groupNormSpecs,
  layerNorm,
  layerNormSpecs,
  type NamedTensors,
  normalByFanOut,
  type ParameterSpecs,
  prefixed,
  scope,
} from '@mae-tasks/core-mae/task';
import * as tf from '@tensorflow/tfjs';

export type NormKind = 'layer' | 'batch' | 'group';

/** What layers share while a model's function is built. */
export interface HeadContext {
  readonly parameters: NamedTensors;
  readonly norm: NormKind;
  readonly training: boolean;
  /** Takes the new running statistics of batch norms, as outputs `state.<parameter>`. */
  readonly state: Record<string, tf.Tensor>;
}

/** Groups of a group norm, where they divide the channels. */
const NUM_GROUPS = 32;

/** A norm over channels, `[B, H, W, C]` → `[B, H, W, C]`. Reads `<name>.weight`, `<name>.bias` and running statistics. */
export function normalize(context: HeadContext, name: string, x: tf.Tensor4D): tf.Tensor4D {
  const parameter = scope(context.parameters, `${name}.`);
  switch (context.norm) {
    case 'layer':
      return layerNorm(x, parameter('weight'), parameter('bias')) as tf.Tensor4D;
    case 'group':
      return groupNorm(x, parameter('weight'), parameter('bias'), groupsOf(x.shape[3]));
    case 'batch': {
      const { normed, state } = batchNorm(parameter, x, { training: context.training });
      for (const [key, value] of Object.entries(state)) context.state[`state.${name}.${key}`] = value;
      return normed as tf.Tensor4D;
    }
  }
}

export function normSpecs(norm: NormKind, channels: number): ParameterSpecs {
  switch (norm) {
    case 'layer':
      return layerNormSpecs(channels);
    case 'group':
      return groupNormSpecs(channels);
    case 'batch':
      return batchNormSpecs(channels);
  }
}

/** The largest number of groups up to 32 that divides the channels. */
function groupsOf(channels: number): number {
  for (let groups = NUM_GROUPS; groups > 1; groups--) if (channels % groups === 0) return groups;
  return 1;
}

/** mmcv's names of a `ConvModule`'s norm. */
const NORM_NAMES: Readonly<Record<NormKind, string>> = { layer: 'ln', batch: 'bn', group: 'gn' };

/**
 * Convolution, norm, ReLU (mmcv's `ConvModule`): `[B, H, W, in]` → `[B, H, W, out]`. Reads `<name>.conv.weight` and the
 * norm's parameters.
 */
export function convModule(context: HeadContext, name: string, x: tf.Tensor4D): tf.Tensor4D {
  const weight = scope(context.parameters)<tf.Tensor4D>(`${name}.conv.weight`);
  return tf.relu(normalize(context, `${name}.${NORM_NAMES[context.norm]}`, conv2d(x, weight)));
}

export function convModuleSpecs(
  name: string,
  norm: NormKind,
  { numIn, numOut, kernelSize }: { readonly numIn: number; readonly numOut: number; readonly kernelSize: number },
): ParameterSpecs {
  return {
    ...prefixed(`${name}.conv.`, conv2dSpecs(numIn, numOut, { kernelSize, bias: false, init: normalByFanOut })),
    ...prefixed(`${name}.${NORM_NAMES[norm]}.`, normSpecs(norm, numOut)),
  };
}
