import { type Engine, type ExportedProgram, type HostTensor, type Sample, shapesOf } from '@mae-tasks/core-mae/task';
import { clipBox } from '../boxes/box-codec.js';
import { nonMaximumSuppression } from '../boxes/nms.js';
import { greatestFirst } from '../boxes/score-order.js';
import type { RunProgram } from '../inference/detection-pipeline.js';
import type { Detections } from '../inference/detections.js';
import type { DetectPredictStep } from '../inference/predict-step.js';
import { isFinite4, pickBoxes } from '../boxes/box-rows.js';
import { pictureSpec } from '../network/detector.js';
import { padPictures, pictureRow } from '../network/picture-batch.js';
import type { OneStageConfig } from './config.js';
import { oneStageFunction, oneStageSpecs } from './network.js';
import { MASK_SIDE, prototypeStride, writeBoxMask } from './prototypes.js';

/** Scores of a picture that go into the suppression, the greatest. */
const MOST_CANDIDATES = 1000;

/** Inference by an engine's program. */
export async function createOneStagePredictStep(
  config: OneStageConfig,
  { engine, batchSize }: { readonly engine: Engine; readonly batchSize: number },
): Promise<DetectPredictStep> {
  const program = await engine.compile({
    name: 'detect.one-stage',
    fn: oneStageFunction(config),
    parameters: shapesOf(oneStageSpecs(config)),
    batch: pictureSpec(config, batchSize, false),
  });
  return {
    run: (parameters, samples) =>
      detectOneStage(config, { batchSize, run: (batch) => program.run(parameters, batch) }, samples),
    dispose: () => {
      program.dispose();
    },
  };
}

/** The detector as it is exported: one program, from pictures to what every point says. */
export function oneStagePrograms(config: OneStageConfig): Readonly<Record<string, ExportedProgram>> {
  return {
    points: { fn: oneStageFunction(config), batchSpec: (batchSize) => pictureSpec(config, batchSize, false) },
  };
}

/** What is in normalised pictures of any size up to the detector's, at most a batch of them. */
export async function detectOneStage(
  config: OneStageConfig,
  program: { readonly batchSize: number | undefined; readonly run: RunProgram },
  samples: readonly Sample[],
): Promise<readonly Detections[]> {
  const outputs = await program.run({ images: padPictures(samples, config, program.batchSize ?? samples.length) });
  return samples.map((sample, picture) => {
    const rows = Object.fromEntries(
      Object.entries(outputs).map(([name, tensor]) => [name, pictureRow(tensor, picture) as Float32Array]),
    );
    const { points, ...found } = findInPicture(rows, sample, config);
    if (outputs.prototypes === undefined) return found;
    return { ...found, maskProbabilities: masksOf(found.boxes, points, rows, outputs.prototypes, config) };
  });
}

/** The classes of points above the threshold, their boxes clipped, suppression within each class (or among all). */
function findInPicture(
  { logits, boxes }: Readonly<Record<string, Float32Array>>,
  picture: { readonly width: number; readonly height: number },
  { numClasses, test }: OneStageConfig,
) {
  const wanted = test.classes === undefined ? undefined : new Set(test.classes);
  const least = Math.log(test.scoreThreshold / (1 - test.scoreThreshold));
  const candidates = logits!.map((logit, i) =>
    logit > least && (wanted?.has(i % numClasses) ?? true) && isFinite4(boxes!, 4 * Math.floor(i / numClasses))
      ? logit
      : Number.NaN,
  );
  const places = greatestFirst(candidates, MOST_CANDIDATES);
  const clipped = pickBoxes(
    boxes!,
    places.map((place) => Math.floor(place / numClasses)),
  );
  for (let i = 0; i < places.length; i++) clipBox(clipped, 4 * i, picture.width, picture.height);
  const scores = Float32Array.from(places, (place) => 1 / (1 + Math.exp(-logits![place]!)));
  const groups = places.map((place) => place % numClasses);
  const input = test.agnosticNms === true ? { boxes: clipped, scores } : { boxes: clipped, scores, groups };
  const kept = nonMaximumSuppression(input, test.nmsThreshold, test.detectionsPerImage);
  return {
    boxes: pickBoxes(clipped, kept),
    scores: Float32Array.from(kept, (index) => scores[index]!),
    classes: Int32Array.from(kept, (index) => groups[index]!),
    points: Int32Array.from(kept, (index) => Math.floor(places[index]! / numClasses)),
  };
}

/** `[n, S, S]`: probabilities over the boxes. */
function masksOf(
  boxes: Float32Array,
  points: Int32Array,
  { coefficients, prototypes }: Readonly<Record<string, Float32Array>>,
  { shape }: HostTensor,
  config: OneStageConfig,
): Float32Array {
  const [, height, width, numPrototypes] = shape as [number, number, number, number];
  const maps = { data: prototypes!, shape: [height, width, numPrototypes] as const, stride: prototypeStride(config) };
  const masks = new Float32Array(points.length * MASK_SIDE ** 2);
  points.forEach((point, i) => {
    const own = coefficients!.subarray(point * numPrototypes, (point + 1) * numPrototypes);
    const out = masks.subarray(i * MASK_SIDE ** 2, (i + 1) * MASK_SIDE ** 2);
    writeBoxMask(maps, own, boxes.subarray(4 * i, 4 * i + 4), out);
  });
  return masks;
}
