import { MaeError, type ParameterSpecs, type VitConfig } from '@mae-tasks/core-mae/task';
import type * as tf from '@tensorflow/tfjs';
import { classifierSpecs, classifyPixels } from './decoder.js';
import { convModule, convModuleSpecs, type HeadContext } from './norm.js';
import type { SegmentSettings } from '../settings.js';

const PREFIX = 'auxiliary_head';

/** A small head on one block, which training alone uses (mmsegmentation's `FCNHead` with one convolution). */
export interface AuxiliaryHead {
  /** The block that it reads, from 0. */
  readonly tap: number;
  /** Of its loss. */
  readonly weight: number;
  readonly channels: number;
  readonly specs: ParameterSpecs;
  /** `[B, H/p, W/p, D]` → logits `[B, H/p, W/p, K]`; `keepScales` as `classifyPixels`. */
  logits(context: HeadContext, map: tf.Tensor4D, keepScales?: tf.Tensor): tf.Tensor4D;
}

/** The settings' auxiliary head, or undefined. @throws MaeError `CONFIG_INVALID` for a block that there is not */
export function createAuxiliaryHead(
  { embedDim, depth }: VitConfig,
  { auxiliary, norm }: SegmentSettings,
  numClasses: number,
): AuxiliaryHead | undefined {
  if (auxiliary === null) return undefined;
  const { weight, channels } = auxiliary;
  const tap = auxiliary.tap ?? Math.max(0, Math.round((2 * depth) / 3) - 1);
  if (tap >= depth) {
    throw new MaeError('CONFIG_INVALID', {
      what: `\`segment.auxiliary.tap\` (=${tap}) is not among the encoder's ${depth} blocks`,
      fix: `blocks are counted from 0 to ${depth - 1}`,
    });
  }
  return {
    tap,
    weight,
    channels,
    specs: {
      ...convModuleSpecs(`${PREFIX}.convs.0`, norm, { numIn: embedDim, numOut: channels, kernelSize: 3 }),
      ...classifierSpecs(PREFIX, channels, numClasses),
    },
    logits: (context, map, keepScales) =>
      classifyPixels(context, PREFIX, convModule(context, `${PREFIX}.convs.0`, map), keepScales),
  };
}
