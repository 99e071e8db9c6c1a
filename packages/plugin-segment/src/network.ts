import {
  type Backbone,
  encodeOptionsOf,
  type NamedTensors,
  type ParameterSpecs,
  resizeBilinear,
  type VitConfig,
} from '@mae-tasks/core-mae/task';
import type * as tf from '@tensorflow/tfjs';
import { type AuxiliaryHead, createAuxiliaryHead } from './decoders/auxiliary-head.js';
import { chooseDecoder } from './decoders/choose.js';
import { classifierSpecs, classifyPixels, type Decoder } from './decoders/decoder.js';
import type { HeadContext } from './decoders/norm.js';
import type { SegmentSettings } from './settings.js';
import { tokensToMap } from './decoders/taps.js';

/** An encoder with a decoder on it. */
export interface SegmentationNetwork {
  /** The encoder up to the deepest block that is read. */
  readonly vit: VitConfig;
  readonly specs: ParameterSpecs;
  readonly decoder: Decoder;
  readonly auxiliary: AuxiliaryHead | undefined;
  /** Pixels between two logits. */
  readonly stride: number;
  /**
   * Logits of pictures, `[B, H/stride, W/stride, K]`; in training also those of the auxiliary head, `[B, H/p, W/p, K]`,
   * and the new running statistics.
   */
  run(parameters: NamedTensors, batch: NamedTensors, options: { readonly training: boolean }): NetworkResult;
}

export interface NetworkResult {
  readonly logits: tf.Tensor4D;
  readonly auxiliary: tf.Tensor4D | undefined;
  /** Outputs `state.<parameter>`. */
  readonly state: Readonly<Record<string, tf.Tensor>>;
}

/** @throws MaeError `CONFIG_INVALID` */
export function createNetwork(
  whole: VitConfig,
  backbone: Backbone,
  settings: SegmentSettings,
  numClasses: number,
): SegmentationNetwork {
  const decoder = chooseDecoder(whole, settings);
  const auxiliary = createAuxiliaryHead(whole, settings, numClasses);
  // Blocks that nothing reads would have no gradients.
  const depth = 1 + Math.max(...decoder.taps, auxiliary?.tap ?? 0);
  const vit = { ...whole, depth };
  return {
    vit,
    decoder,
    auxiliary,
    stride: decoder.stride,
    specs: {
      ...backbone.parameters(vit),
      ...decoder.specs,
      ...classifierSpecs('decode_head', decoder.channels, numClasses),
      ...auxiliary?.specs,
    },
    run(parameters, batch, { training }) {
      const maps = new Map<number, tf.Tensor4D>();
      const wanted = new Set([...decoder.taps, ...(auxiliary === undefined ? [] : [auxiliary.tap])]);
      backbone.encode(parameters, batch.images as tf.Tensor4D, vit, {
        ...encodeOptionsOf(batch),
        onBlock: (index, tokens) => {
          if (wanted.has(index)) maps.set(index, tokensToMap(tokens, vit));
        },
      });
      const state: Record<string, tf.Tensor> = {};
      const context: HeadContext = { parameters, norm: settings.norm, training, state };
      const features = decoder.features(
        context,
        decoder.taps.map((tap) => maps.get(tap)!),
        batch.images as tf.Tensor4D,
      );
      const logits = classifyPixels(context, 'decode_head', features, batch.keepChannels);
      const extra =
        training && auxiliary !== undefined
          ? auxiliary.logits(context, maps.get(auxiliary.tap)!, batch.keepAuxiliaryChannels)
          : undefined;
      return { logits, auxiliary: extra, state };
    },
  };
}

/** Logits at the size of the pictures that they belong to: `[B, h, w, K]` → `[B, H, W, K]`. */
export function logitsAtPixels(logits: tf.Tensor4D, [height, width]: readonly [number, number]): tf.Tensor4D {
  return resizeBilinear(logits, { height, width });
}
