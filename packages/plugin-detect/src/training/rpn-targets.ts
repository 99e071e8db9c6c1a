import type { Random } from '@mae-tasks/core-mae/task';
import { sampleBalanced } from '../boxes/balanced-sampler.js';
import { encodeBox, RPN_BOX_WEIGHTS } from '../boxes/box-codec.js';
import type { DetectorConfig } from '../network/detector-config.js';
import { matchBoxes } from '../boxes/matcher.js';

/** Where one picture's targets are written: views on the batch, zeros at the start. */
export interface RpnTargetArrays {
  /** `[A]`. */
  readonly objects: Float32Array;
  /** `[A]`. */
  readonly sampled: Float32Array;
  /** `[A, 4]`. */
  readonly boxes: Float32Array;
}

/**
 * Labels one picture's anchors and draws those that take part in the loss (detectron2's `label_and_sample_anchors`).
 *
 * @param anchors all levels' `[A, 4]`, see `joinAnchors`
 * @param truth `[g, 4]`: the objects' boxes, `[x0, y0, x1, y1]` in pixels of the padded picture
 */
export function writeRpnTargets(
  anchors: Float32Array,
  truth: Float32Array,
  { rpn }: DetectorConfig,
  random: Random,
  out: RpnTargetArrays,
): void {
  const [low, high] = rpn.iouThresholds;
  const { indices, labels } = matchBoxes(anchors, truth, { low, high, allowLowQuality: true });
  const counts = { numSamples: rpn.anchorsPerImage, positiveFraction: rpn.positiveFraction };
  const { positives, negatives } = sampleBalanced(labels, counts, random);
  for (const index of negatives) out.sampled[index] = 1;
  for (const index of positives) {
    out.sampled[index] = 1;
    out.objects[index] = 1;
    const [to, at] = [4 * indices[index]!, 4 * index];
    if (rpn.boxLoss.kind === 'giou') out.boxes.set(truth.subarray(to, to + 4), at);
    else {
      encodeBox({ data: anchors, at }, { data: truth, at: to }, RPN_BOX_WEIGHTS, { data: out.boxes, at });
    }
  }
}
