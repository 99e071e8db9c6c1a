import { basename, extname } from 'node:path';
import { rleToString } from '@mae-tasks/core-mae/coco';
import type { HostTensor, Sample } from '@mae-tasks/core-mae/task';
import { unpackDetections } from './detection-tensors.js';
import { type DetectFacts, isInstances } from '../facts.js';
import { toPictureSize } from './predict-step.js';
import { regionToRle } from './region-rle.js';

/** An object that was found, as plain data. */
export interface DetectedObject {
  readonly class: string;
  readonly classIndex: number;
  readonly score: number;
  /** `[x, y, width, height]` in pixels of the picture itself. */
  readonly box: readonly [number, number, number, number];
  /** Its pixels as COCO's compressed runs; absent for a detector without masks. */
  readonly mask?: { readonly size: readonly [height: number, width: number]; readonly counts: string };
}

/** What was found in a picture, greatest score first. */
export interface ObjectPrediction {
  readonly objects: readonly DetectedObject[];
}

/** How detections become results. */
export interface DetectionResults {
  /** @param outputs of `packDetections` */
  readonly decode: (outputs: Readonly<Record<string, HostTensor>>, samples: readonly Sample[]) => ObjectPrediction[];
  /** Entries of a list of results in COCO's format. */
  readonly records: (sample: Sample, prediction: ObjectPrediction) => Array<Readonly<Record<string, unknown>>>;
}

export function createResults({ classNames, categoryIds }: DetectFacts): DetectionResults {
  return {
    decode: (outputs, samples) =>
      samples.map((sample, index) => {
        const size = { width: sample.originalWidth, height: sample.originalHeight };
        const { boxes, scores, classes, masks } = toPictureSize(unpackDetections(outputs, index), sample, size);
        const objects = Array.from(scores, (score, i): DetectedObject => {
          const [x0, y0, x1, y1] = boxes.subarray(4 * i, 4 * i + 4) as unknown as [number, number, number, number];
          const mask = masks?.[i];
          return {
            class: classNames[classes[i]!]!,
            classIndex: classes[i]!,
            score,
            box: [x0, y0, x1 - x0, y1 - y0],
            ...(mask === undefined
              ? {}
              : { mask: { size: [size.height, size.width], counts: rleToString(regionToRle(mask, size)) } }),
          };
        });
        return { objects };
      }),
    records: (sample, { objects }) =>
      objects.map(({ classIndex, score, box, mask }) => ({
        image_id: imageIdOf(sample),
        category_id: categoryIds[classIndex],
        bbox: box,
        score,
        ...(mask === undefined ? {} : { segmentation: mask }),
      })),
  };
}

/** The picture's id in its data set; for other pictures the number that its file is named by, or that name. */
function imageIdOf({ id, target }: Sample): number | string {
  if (isInstances(target)) return target.imageId;
  const name = basename(id);
  const stem = name.slice(0, name.length - extname(name).length);
  return /^\d{1,15}$/.test(stem) ? Number(stem) : name;
}
