import { hasArea, type MaskRegion, type Sample } from '@mae-tasks/core-mae/task';
import { clipBox } from '../boxes/box-codec.js';
import type { DetectFacts } from '../facts.js';
import type { Detections } from './detections.js';
import { pasteMask } from './mask-paste.js';

/** An object that was found, in pixels of the picture itself: what is scored, drawn and written. */
export interface FoundObject {
  /** The name of its class. */
  readonly class: string;
  readonly classIndex: number;
  readonly score: number;
  /** `[x, y, width, height]`, as COCO has it. */
  readonly box: readonly [number, number, number, number];
  /** Its pixels, within the frame that its probabilities were given for; absent for a detector without masks. */
  readonly mask?: MaskRegion;
}

/** What was found in a picture, greatest score first. */
export type FoundObjects = readonly FoundObject[];

/**
 * The objects of a picture at its own size, greatest score first: boxes scaled and clipped to it, those without area left
 * out, masks pasted (detectron2's `detector_postprocess`).
 *
 * @param seen the picture's size as the detector saw it
 * @param picture its own
 */
export function foundObjects(
  { boxes, scores, classes, maskProbabilities }: Detections,
  seen: { readonly width: number; readonly height: number },
  picture: { readonly width: number; readonly height: number },
  classNames: readonly string[],
): FoundObject[] {
  const [scaleX, scaleY] = [picture.width / seen.width, picture.height / seen.height];
  const scaled = Float32Array.from(boxes, (value, i) => value * (i % 2 === 0 ? scaleX : scaleY));
  const maskLength = (maskProbabilities?.length ?? 0) / Math.max(1, scores.length);
  const found: FoundObject[] = [];
  for (const [i, score] of scores.entries()) {
    clipBox(scaled, 4 * i, picture.width, picture.height);
    if (!hasArea(scaled, i)) continue;
    const [x0, y0, x1, y1] = scaled.subarray(4 * i, 4 * i + 4) as unknown as [number, number, number, number];
    const probabilities = maskProbabilities?.subarray(i * maskLength, (i + 1) * maskLength);
    found.push({
      class: classNames[classes[i]!]!,
      classIndex: classes[i]!,
      score,
      box: [x0, y0, x1 - x0, y1 - y0],
      ...(probabilities === undefined ? {} : { mask: pasteMask(probabilities, scaled, i, picture) }),
    });
  }
  return found;
}

/** The objects of each of these pictures, at its own size. @param detections one for each sample */
export function foundInSamples(
  detections: readonly Detections[],
  samples: readonly Sample[],
  { classNames }: DetectFacts,
): FoundObjects[] {
  return samples.map((sample, index) => {
    const picture = { width: sample.originalWidth, height: sample.originalHeight };
    return foundObjects(detections[index]!, sample, picture, classNames);
  });
}
