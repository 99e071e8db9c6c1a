import { hasArea } from '@mae-tasks/core-mae/task';
import type { AnchorLevel } from './anchors.js';
import { isFinite4, pickBoxes } from '../boxes/box-rows.js';
import { clipBox, decodeBox, RPN_BOX_WEIGHTS } from '../boxes/box-codec.js';
import type { ProposalCounts } from './detector-config.js';
import { nonMaximumSuppression } from '../boxes/nms.js';
import { greatestFirst } from '../boxes/score-order.js';

/** One picture's proposed boxes, greatest score first. */
export interface Proposals {
  /** `[n, 4]`: `[x0, y0, x1, y1]` in pixels, within the picture. */
  readonly boxes: Float32Array;
  /** `[n]`. */
  readonly logits: Float32Array;
}

export interface ProposalOptions extends ProposalCounts {
  readonly nmsThreshold: number;
  /** The picture's size without padding. */
  readonly width: number;
  readonly height: number;
}

/**
 * One picture's proposals (detectron2's `find_top_rpn_proposals`): the best anchors of each level, moved by their
 * deltas, clipped; those without area or with a value that is not finite left out; suppression within each level.
 *
 * @param logits `[A]` of all levels, finest first
 * @param deltas `[A, 4]`
 */
export function findProposals(
  levels: readonly AnchorLevel[],
  logits: Float32Array,
  deltas: Float32Array,
  { beforeNms, afterNms, nmsThreshold, width, height }: ProposalOptions,
): Proposals {
  const capacity = levels.length * beforeNms;
  const boxes = new Float32Array(4 * capacity);
  const scores = new Float32Array(capacity);
  const groups = new Int32Array(capacity);
  let count = 0;
  let first = 0;
  levels.forEach(({ boxes: anchors }, level) => {
    const numAnchors = anchors.length / 4;
    const scoresOfLevel = logits.subarray(first, first + numAnchors);
    for (const index of greatestFirst(scoresOfLevel, beforeNms)) {
      const at = 4 * count;
      const from = { data: anchors, at: 4 * index };
      decodeBox(from, { data: deltas, at: 4 * (first + index) }, RPN_BOX_WEIGHTS, { data: boxes, at });
      if (!isFinite4(boxes, at) || !Number.isFinite(scoresOfLevel[index]!)) continue;
      clipBox(boxes, at, width, height);
      if (!hasArea(boxes, count)) continue;
      scores[count] = scoresOfLevel[index]!;
      groups[count] = level;
      count++;
    }
    first += numAnchors;
  });
  const found = { boxes: boxes.subarray(0, 4 * count), scores: scores.subarray(0, count), groups };
  const kept = nonMaximumSuppression(found, nmsThreshold, afterNms);
  return { boxes: pickBoxes(boxes, kept), logits: Float32Array.from(kept, (index) => scores[index]!) };
}
