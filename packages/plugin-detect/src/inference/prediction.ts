import { rleFromString } from '@mae-tasks/core-mae/coco';
import type {
  DrawContext,
  Drawing,
  Sample,
  SteppedForward,
  TaskContext,
  TaskPrediction,
} from '@mae-tasks/core-mae/task';
import { type FoundObject, drawObjectsPng, objectSheetPng, trueObjectsOf } from './drawing.js';
import type { DetectFacts } from '../facts.js';
import { createResults, type ObjectPrediction } from './results.js';
import type { DetectSettings } from '../settings.js';

export interface DetectPrediction extends TaskPrediction<ObjectPrediction> {
  /** Predictions beside truth. */
  drawSamples(context: DrawContext): Promise<readonly Drawing[]>;
}

/** How detections become lists, COCO results and pictures. */
export function createPrediction(
  forward: SteppedForward,
  { facts, settings, statistics, vit }: TaskContext<DetectSettings, DetectFacts>,
): DetectPrediction {
  const picture = { channels: vit.inChannels, ...statistics };
  const { decode, records } = createResults(facts);

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
    records,
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

/** A picture's path as one below a folder. */
function withinFolder(id: string): string {
  const parts = id.split(/[\\/]/).filter((part) => part !== '' && part !== '.');
  return parts.map((part) => (part === '..' ? '__' : part.replace(':', '_'))).join('/');
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
