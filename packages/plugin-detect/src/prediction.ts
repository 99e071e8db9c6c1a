import { basename, extname } from 'node:path';
import {
  type DrawContext,
  type Drawing,
  rleFromString,
  rleToString,
  type Sample,
  type SteppedForward,
  type TaskContext,
  type TaskPrediction,
} from '@mae-tasks/core-mae';
import { unpackDetections } from './detection-tensors.js';
import type { DetectorConfig } from './detector-config.js';
import { type FoundObject, drawObjectsPng, objectSheetPng, trueObjectsOf } from './drawing.js';
import { type DetectFacts, isInstances } from './facts.js';
import { toPictureSize } from './predict-step.js';
import { regionToRle } from './region-rle.js';
import type { DetectSettings } from './settings.js';

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

type Context = TaskContext<DetectSettings, DetectFacts>;

export interface DetectPrediction extends TaskPrediction<ObjectPrediction> {
  /** Predictions beside truth. */
  drawSamples(context: DrawContext): Promise<readonly Drawing[]>;
}

/** How detections become lists, COCO results and pictures. */
export function createPrediction(forward: SteppedForward, config: DetectorConfig, context: Context): DetectPrediction {
  const { facts, settings, statistics, vit } = context;
  const picture = { channels: vit.inChannels, ...statistics };

  const decode: DetectPrediction['decode'] = (outputs, samples) =>
    samples.map((sample, index) => {
      const size = { width: sample.originalWidth, height: sample.originalHeight };
      const { boxes, scores, classes, masks } = toPictureSize(unpackDetections(outputs, index), sample, size);
      const objects = Array.from(scores, (score, i): DetectedObject => {
        const [x0, y0, x1, y1] = boxes.subarray(4 * i, 4 * i + 4) as unknown as [number, number, number, number];
        const mask = masks?.[i];
        return {
          class: facts.classNames[classes[i]!]!,
          classIndex: classes[i]!,
          score,
          box: [x0, y0, x1 - x0, y1 - y0],
          ...(mask === undefined
            ? {}
            : { mask: { size: [size.height, size.width], counts: rleToString(regionToRle(mask, size)) } }),
        };
      });
      return { objects };
    });

  /** Those that are sure enough to be drawn. */
  const drawnObjects = ({ objects }: ObjectPrediction): FoundObject[] =>
    objects
      .filter(({ score }) => score >= settings.drawThreshold)
      .map(({ class: name, classIndex, score, box, mask }) => ({
        box,
        classIndex,
        label: `${name} ${Math.round(100 * score)} %`,
        ...(mask === undefined ? {} : { mask: rleFromString(mask.counts, ...mask.size) }),
      }));

  const draw = async (samples: readonly Sample[], results: readonly ObjectPrediction[]): Promise<Drawing[]> => {
    const pictures = samples.map((sample, index) => ({
      sample,
      truth: trueObjectsOf(sample, facts.classNames),
      found: drawnObjects(results[index]!),
    }));
    return [{ name: 'predictions', png: await objectSheetPng(pictures, picture) }];
  };

  return {
    forward,
    decode,
    columns: ['class', 'score', 'x', 'y', 'width', 'height'],
    rows: ({ objects }) =>
      objects.map(({ class: name, score, box }) => [name, rounded(score, 4), ...box.map((value) => rounded(value, 1))]),
    records: (sample, { objects }) =>
      objects.map(({ classIndex, score, box, mask }) => ({
        image_id: imageIdOf(sample),
        category_id: facts.categoryIds[classIndex],
        bbox: box,
        score,
        ...(mask === undefined ? {} : { segmentation: mask }),
      })),
    files: (samples, results) =>
      Promise.all(
        samples.map(async (sample, index) => ({
          path: `${withinFolder(sample.id)}.png`,
          bytes: await drawObjectsPng(sample, drawnObjects(results[index]!), picture),
        })),
      ),
    draw,
    async drawSamples({ engine, parameters, samples, random }) {
      const step = await forward.createStep({ engine, batchSize: samples.length });
      try {
        return await draw(samples, decode(await step.run(parameters, samples, random), samples));
      } finally {
        step.dispose();
      }
    },
  };
}

/** The picture's id in its data set; for other pictures the number that its file is named by, or that name. */
function imageIdOf({ id, target }: Sample): number | string {
  if (isInstances(target)) return target.imageId;
  const name = basename(id);
  const stem = name.slice(0, name.length - extname(name).length);
  return /^\d{1,15}$/.test(stem) ? Number(stem) : name;
}

/** A picture's path as one below a folder. */
function withinFolder(id: string): string {
  const parts = id.split(/[\\/]/).filter((part) => part !== '' && part !== '.');
  return parts.map((part) => (part === '..' ? '__' : part.replace(':', '_'))).join('/');
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
