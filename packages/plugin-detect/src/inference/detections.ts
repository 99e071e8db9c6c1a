/*
 * inference/: from pictures to found objects: proposals, heads, suppression (this file), pasted masks, COCO's results
 * and scores, drawings, the exported detector.
 * Not here: losses and sampling: `training/`.
 * Called by: `model` and `task`; `detections` also from scripts that run an exported detector.
 */

import { clipBox, decodeBox } from '../boxes/box-codec.js';
import { boxStages } from '../network/box-stages.js';
import type { DetectorConfig } from '../network/detector-config.js';
import { nonMaximumSuppression } from '../boxes/nms.js';
import { isFinite4, pickBoxes } from '../boxes/box-rows.js';

/** What was found in one picture, greatest score first, at the size that the detector saw it. */
export interface Detections {
  /** `[n, 4]`: `[x0, y0, x1, y1]` in pixels. */
  readonly boxes: Float32Array;
  /** `[n]`. */
  readonly scores: Float32Array;
  /** `[n]`. */
  readonly classes: Int32Array;
  /** `[n, S, S]`: probabilities over each box; absent for a detector without masks. */
  readonly maskProbabilities?: Float32Array | undefined;
}

/** One picture's part of the box head's outputs; n proposals. */
export interface ScoredProposals {
  /** `[n, 4]`. */
  readonly boxes: Float32Array;
  /** `[n, numClasses + 1]`: probabilities, the last of background. */
  readonly scores: Float32Array;
  /** `[n, numBoxes, 4]`: for each class, or for all. */
  readonly deltas: Float32Array;
}

/**
 * One picture's detections (detectron2's `fast_rcnn_inference`): every class of every proposal above the score
 * threshold, its own box clipped to the picture, suppression within each class (or among all), the best of what is left.
 */
export function findDetections(
  proposals: ScoredProposals,
  picture: { readonly width: number; readonly height: number },
  config: DetectorConfig,
): Detections {
  const { numClasses, test } = config;
  const { numBoxes, boxWeights } = boxStages(config).at(-1)!;
  const wanted = test.classes ?? Array.from({ length: numClasses }, (_, k) => k);
  /** Where a class of a proposal has its box among the deltas. */
  const deltasAt = (row: number, k: number): number => 4 * (row * numBoxes + (numBoxes === 1 ? 0 : k));
  const numProposals = proposals.boxes.length / 4;
  const found: number[] = [];
  for (let row = 0; row < numProposals; row++) {
    for (const k of wanted) {
      const place = row * numClasses + k;
      if (!(proposals.scores[place + row]! > test.scoreThreshold)) continue;
      if (isFinite4(proposals.deltas, deltasAt(row, k))) found.push(place);
    }
  }
  const boxes = new Float32Array(4 * found.length);
  found.forEach((place, i) => {
    const row = Math.floor(place / numClasses);
    const out = { data: boxes, at: 4 * i };
    const deltas = { data: proposals.deltas, at: deltasAt(row, place % numClasses) };
    decodeBox({ data: proposals.boxes, at: 4 * row }, deltas, boxWeights, out);
    clipBox(boxes, 4 * i, picture.width, picture.height);
  });
  const scores = Float32Array.from(found, (place) => {
    const row = Math.floor(place / numClasses);
    return proposals.scores[place + row]!;
  });
  const groups = Int32Array.from(found, (place) => place % numClasses);
  const input = test.agnosticNms === true ? { boxes, scores } : { boxes, scores, groups };
  const kept = nonMaximumSuppression(input, test.nmsThreshold, test.detectionsPerImage);
  return {
    boxes: pickBoxes(boxes, kept),
    scores: Float32Array.from(kept, (index) => scores[index]!),
    classes: Int32Array.from(kept, (index) => groups[index]!),
  };
}
