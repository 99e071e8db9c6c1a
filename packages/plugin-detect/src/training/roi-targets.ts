import type { Instances, Random } from '@mae-tasks/core-mae/task';
import { sampleBalanced } from '../boxes/balanced-sampler.js';
import type { DetectorConfig } from '../network/detector-config.js';
import { matchBoxes, type Matches } from '../boxes/matcher.js';
import { pickBoxes } from '../boxes/box-rows.js';
import type { Proposals } from '../network/rpn-proposals.js';

/** The proposals of one picture that the heads learn from; k of them, objects first. */
export interface SampledProposals {
  /** `[k, 4]`, `[x0, y0, x1, y1]` in pixels. */
  readonly boxes: Float32Array;
  /** `[k]`: numClasses is background. */
  readonly classes: Int32Array;
  /** `[k]`: index of the true object; without meaning for background. */
  readonly objects: Int32Array;
  readonly numObjects: number;
}

/**
 * Proposals and true boxes together, matched to the objects and drawn (detectron2's `label_and_sample_proposals`).
 *
 * @param truth the objects to find; no crowds
 */
export function sampleProposals(
  proposals: Proposals,
  truth: Instances,
  { boxHead, numClasses }: DetectorConfig,
  random: Random,
): SampledProposals {
  const candidates = new Float32Array(proposals.boxes.length + truth.boxes.length);
  candidates.set(proposals.boxes);
  candidates.set(truth.boxes, proposals.boxes.length);
  const { indices, labels } = matchProposals(candidates, truth, boxHead.iouThreshold);
  const counts = { numSamples: boxHead.proposalsPerImage, positiveFraction: boxHead.positiveFraction };
  const { positives, negatives } = sampleBalanced(labels, counts, random);
  return chosenProposals(candidates, { indices, labels }, truth, numClasses, [...positives, ...negatives]);
}

/** All of these boxes, matched to the objects: what a later stage of a cascade learns from (`_match_and_label_boxes`). */
export function labelProposals(
  boxes: Float32Array,
  truth: Instances,
  iouThreshold: number,
  numClasses: number,
): SampledProposals {
  const matches = matchProposals(boxes, truth, iouThreshold);
  const all = [...matches.labels.keys()];
  const isObject = (index: number): boolean => matches.labels[index] === 1;
  const order = [...all.filter(isObject), ...all.filter((index) => !isObject(index))];
  return chosenProposals(boxes, matches, truth, numClasses, order);
}

function matchProposals(boxes: Float32Array, truth: Instances, threshold: number): Matches {
  return matchBoxes(boxes, truth.boxes, { low: threshold, high: threshold, allowLowQuality: false });
}

/** @param chosen objects first */
function chosenProposals(
  boxes: Float32Array,
  { indices, labels }: Matches,
  truth: Instances,
  numClasses: number,
  chosen: readonly number[],
): SampledProposals {
  return {
    boxes: pickBoxes(boxes, chosen),
    classes: Int32Array.from(chosen, (index) => (labels[index] === 1 ? truth.classes[indices[index]!]! : numClasses)),
    objects: Int32Array.from(chosen, (index) => indices[index]!),
    numObjects: chosen.reduce((count, index) => count + Number(labels[index] === 1), 0),
  };
}
