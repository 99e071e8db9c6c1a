import type { VitConfig } from '@mae-tasks/core-mae/task';
import * as tf from '@tensorflow/tfjs';
import type { SegmentSettings } from '../settings.js';
import { chooseTaps } from './taps.js';
import type { Decoder } from './decoder.js';
import { normalizeTaps, tapNormSpecs } from './deconv.js';

/**
 * No decoder but the classifier: a linear layer on every normalised patch token (Segmenter's `Linear`, Strudel et al.
 * 2021, §3.2); several taps are read side by side.
 */
export function linearDecoder(vit: VitConfig, { taps: given }: SegmentSettings): Decoder {
  const taps = chooseTaps(given, vit, false);
  return {
    taps,
    stride: vit.patchSize,
    channels: taps.length * vit.embedDim,
    specs: tapNormSpecs(taps, vit),
    features(context, maps) {
      const normed = normalizeTaps(context, taps, vit, maps);
      return normed.length === 1 ? normed[0]! : tf.concat(normed, 3);
    },
  };
}
