import { clipBox, decodeBox, ROI_BOX_WEIGHTS } from '../boxes/box-codec.js';
import type { CascadeStage, DetectorConfig } from './detector-config.js';

/** The stages of Cascade R-CNN (Cai and Vasconcelos 2018; detectron2's cascade_mask_rcnn_vitdet_b_100ep.py). */
export const CASCADE_STAGES: readonly CascadeStage[] = [
  { iouThreshold: 0.5, boxWeights: [10, 10, 5, 5] },
  { iouThreshold: 0.6, boxWeights: [20, 20, 10, 10] },
  { iouThreshold: 0.7, boxWeights: [30, 30, 15, 15] },
];

/** One box head: the only one, or a stage of a cascade. */
export interface BoxStage extends CascadeStage {
  /** Behind `box_head.` and `box_predictor.` in the names of its parameters: empty, or `0.`, `1.`, … */
  readonly prefix: string;
  /** Behind the names of its losses: empty, or `Stage0`, `Stage1`, … */
  readonly suffix: string;
  /** Boxes that it predicts for each region: one for each class, or one for all in a cascade. */
  readonly numBoxes: number;
}

/** The box heads in order. */
export function boxStages({ cascade, boxHead, numClasses }: DetectorConfig): readonly BoxStage[] {
  if (cascade !== undefined) {
    return cascade.map((stage, index) => ({ ...stage, prefix: `${index}.`, suffix: `Stage${index}`, numBoxes: 1 }));
  }
  const { iouThreshold } = boxHead;
  return [{ iouThreshold, boxWeights: ROI_BOX_WEIGHTS, prefix: '', suffix: '', numBoxes: numClasses }];
}

/** The boxes that a stage of a cascade makes of its own, within the pictures: where the next one starts. */
export function nextBoxes(
  pictures: ReadonlyArray<{ readonly width: number; readonly height: number }>,
  boxes: readonly Float32Array[],
  deltas: Float32Array,
  { boxWeights }: BoxStage,
): Float32Array[] {
  let at = 0;
  return boxes.map((from, picture) => {
    const { width, height } = pictures[picture]!;
    const result = new Float32Array(from.length);
    for (let box = 0; box < from.length; box += 4) {
      const out = { data: result, at: box };
      decodeBox({ data: from, at: box }, { data: deltas, at: at + box }, boxWeights, out);
      clipBox(result, box, width, height);
    }
    at += from.length;
    return result;
  });
}
