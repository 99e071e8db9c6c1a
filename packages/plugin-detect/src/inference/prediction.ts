import type { SteppedForward, TaskContext, TaskPrediction } from '@mae-tasks/core-mae/task';
import type { DetectFacts } from '../facts.js';
import type { DetectSettings } from '../settings.js';
import { drawnTitle, nothingDrawn } from './draw-threshold.js';
import { drawObjectsPng, drawnAnswer, drawnTruth, objectSheetPng } from './drawing.js';
import type { FoundObjects } from './found-objects.js';
import { cocoResults } from './results.js';

/** How found objects become lists, COCO results and pictures. */
export function createPrediction(
  forward: SteppedForward<readonly FoundObjects[]>,
  { facts, settings, statistics, vit }: TaskContext<DetectSettings, DetectFacts>,
): TaskPrediction<FoundObjects, readonly FoundObjects[]> {
  const seen = { channels: vit.inChannels, ...statistics };
  /** Those that are sure enough to be drawn. */
  const sure = (found: FoundObjects): FoundObjects => found.filter(({ score }) => score >= settings.drawThreshold);
  return {
    forward,
    decode: (found) => found,
    columns: ['class', 'score', 'x', 'y', 'width', 'height'],
    rows: (found) =>
      found.map(({ class: name, score, box }) => [name, rounded(score, 4), ...box.map((value) => rounded(value, 1))]),
    records: (sample, found, identity) => cocoResults(sample, found, facts, identity),
    files: (samples, results) =>
      Promise.all(
        samples.map(async (sample, index) => ({
          path: `${withinFolder(sample.id)}.png`,
          bytes: await drawObjectsPng(sample, drawnAnswer(sample, sure(results[index]!)), seen),
        })),
      ),
    async draw(samples, results) {
      const pictures = samples.map((sample, index) => ({
        sample,
        truth: drawnTruth(sample, facts.classNames),
        found: drawnAnswer(sample, sure(results[index]!)),
        note: nothingDrawn(
          results[index]!.map(({ score }) => score),
          settings.drawThreshold,
        ),
      }));
      const png = await objectSheetPng(drawnTitle(settings.drawThreshold), pictures, seen);
      return [{ name: 'predictions', png }];
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
