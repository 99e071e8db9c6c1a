import type { HostTensor } from '@mae-tasks/core-mae/task';
import type { DetectorConfig } from '../network/detector-config.js';
import type { Detections } from './detection-pipeline.js';

/**
 * Detections as tensors of fixed shape: `counts` int32 `[B]`, `boxes` `[B, D, 4]`, `scores` `[B, D]`, `classes` int32
 * `[B, D]` and, with masks, `maskProbabilities` `[B, D, S, S]`; places past a picture's count are 0.
 */
export function packDetections(
  found: readonly Detections[],
  { test, maskHead }: DetectorConfig,
  batchSize: number,
): Record<string, HostTensor> {
  const limit = test.detectionsPerImage;
  const side = maskHead === undefined ? 0 : 2 * maskHead.poolSize;
  const counts = new Int32Array(batchSize);
  const boxes = new Float32Array(batchSize * limit * 4);
  const scores = new Float32Array(batchSize * limit);
  const classes = new Int32Array(batchSize * limit);
  const masks = new Float32Array(batchSize * limit * side * side);
  found.forEach((detected, picture) => {
    const first = picture * limit;
    counts[picture] = detected.scores.length;
    boxes.set(detected.boxes, 4 * first);
    scores.set(detected.scores, first);
    classes.set(detected.classes, first);
    if (detected.maskProbabilities !== undefined) masks.set(detected.maskProbabilities, first * side * side);
  });
  return {
    counts: { shape: [batchSize], dtype: 'int32', data: counts },
    boxes: { shape: [batchSize, limit, 4], dtype: 'float32', data: boxes },
    scores: { shape: [batchSize, limit], dtype: 'float32', data: scores },
    classes: { shape: [batchSize, limit], dtype: 'int32', data: classes },
    ...(side === 0
      ? {}
      : {
          maskProbabilities: { shape: [batchSize, limit, side, side], dtype: 'float32' as const, data: masks },
        }),
  };
}

/** One picture's detections out of {@link packDetections}'s tensors: views. */
export function unpackDetections(outputs: Readonly<Record<string, HostTensor>>, picture: number): Detections {
  const { counts, boxes, scores, classes, maskProbabilities } = outputs;
  const limit = scores!.shape[1]!;
  const count = counts!.data[picture]!;
  const first = picture * limit;
  const found = {
    boxes: (boxes!.data as Float32Array).subarray(4 * first, 4 * (first + count)),
    scores: (scores!.data as Float32Array).subarray(first, first + count),
    classes: (classes!.data as Int32Array).subarray(first, first + count),
  };
  if (maskProbabilities === undefined) return found;
  const length = maskProbabilities.shape[2]! * maskProbabilities.shape[3]!;
  const masks = (maskProbabilities.data as Float32Array).subarray(first * length, (first + count) * length);
  return { ...found, maskProbabilities: masks };
}
