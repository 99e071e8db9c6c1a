import { posix } from 'node:path';
import { boxIou } from '../../masks/overlap.js';
import { annotationsOfImage, type CocoAnnotations } from '../annotations.js';
import type { Detections } from '../detections.js';

/** Detections that are looked at. */
const LOOKED_AT = 2000;
const SAME_OBJECT_IOU = 0.5;

/**
 * A warning where results seem to call pictures by the numbers in their names, which are other pictures' ids: where their
 * boxes meet the objects of the pictures that are called so, and not those of the pictures whose ids they give.
 */
export function numbersOfNames(annotations: CocoAnnotations, detections: Detections): string[] {
  const { images } = annotations;
  const indexOfNumber = new Map<number, number>();
  for (const [image, name] of images.fileNames.entries()) {
    const stem = posix.basename(name).replace(/\.[^.]*$/u, '');
    if (/^\d{1,15}$/u.test(stem)) indexOfNumber.set(Number(stem), image);
  }
  let [byId, byName, example] = [0, 0, -1];
  for (let i = 0; i < Math.min(detections.size, LOOKED_AT); i++) {
    const image = detections.imageIndexes[i]!;
    const called = indexOfNumber.get(images.ids[image]!);
    if (called === undefined || called === image) continue;
    const box = detections.boxes.subarray(4 * i, 4 * i + 4);
    if (meetsObject(annotations, image, box)) byId++;
    if (meetsObject(annotations, called, box)) {
      byName++;
      example = called;
    }
  }
  if (byName <= 2 * byId) return [];
  return [
    `${byName} results meet objects of the pictures whose names are their image_id, and ${byId} those of the pictures whose ids these are (${images.fileNames[example]!} is image ${images.ids[example]!}) — numbers of file names stand for ids: write the annotation file's ids (mae-tasks predict --data), or add file_name to the results`,
  ];
}

function meetsObject(annotations: CocoAnnotations, image: number, box: Float64Array): boolean {
  const entries = annotationsOfImage(annotations, image);
  const boxes = Float64Array.from(
    [...entries].flatMap((entry) => [...annotations.boxes.subarray(4 * entry, 4 * entry + 4)]),
  );
  return boxIou(box, boxes, new Uint8Array(entries.length)).some((iou) => iou >= SAME_OBJECT_IOU);
}
