/*
 * inference/: pictures of any size to label maps: windows and their scores in bounded memory, flips and scales, the
 * evaluator, overlays, and what `predict` writes (this file).
 * Not here: the network; it is handed over as a program of one window.
 * Called by: `model` and `task`.
 */

import {
  encodePng,
  foldedName,
  type LabelMap,
  labelMapPng,
  legendRows,
  type OverlaidPicture,
  overlay,
  type PredictedFile,
  type Sample,
  type SheetRow,
  type SteppedForward,
  type TaskPrediction,
} from '@mae-tasks/core-mae/task';
import type { SegmentFacts } from '../facts.js';
import { overlaySheet } from './overlay-sheet.js';

/** Pictures beside each other on a sheet without truth. */
const COLUMNS = 4;

/** How classes of pixels become areas, files and pictures. */
export function createSegmentPrediction(
  forward: SteppedForward<readonly LabelMap[]>,
  facts: SegmentFacts,
): TaskPrediction<LabelMap, readonly LabelMap[]> {
  const { classNames } = facts;
  const fileName = uniqueFileNames();
  return {
    forward,
    decode: (found) => found,
    columns: ['class', 'pixels', 'area %'],
    rows: (result) =>
      areasOf(result, classNames.length).map(({ classIndex, pixels, share }) => [
        classNames[classIndex]!,
        pixels,
        Math.round(10_000 * share) / 100,
      ]),
    records: ({ id }, result) => [
      {
        picture: id,
        width: result.width,
        height: result.height,
        classes: areasOf(result, classNames.length).map(({ classIndex, pixels, share }) => ({
          name: classNames[classIndex]!,
          value: classIndex + facts.firstValue,
          pixels,
          share,
        })),
      },
    ],
    async files(samples, results) {
      const files: PredictedFile[] = [];
      for (const [index, sample] of samples.entries()) {
        const { width, height, labels } = results[index]!;
        const values = facts.firstValue === 0 ? labels : labels.map((label) => label + facts.firstValue);
        const name = fileName(sample.id);
        files.push({ path: `masks/${name}`, bytes: labelMapPng({ width, height, labels: values }) });
        files.push({ path: `overlays/${name}`, bytes: await encodePng(overlay(pictureOf(sample), labels, facts)) });
      }
      return files;
    },
    async draw(samples, results) {
      const truth = truthOf(samples);
      if (truth !== undefined) {
        return [{ name: 'predictions', png: await truthSheet(samples, truth, results, facts) }];
      }
      const pictures = samples.map((sample, index) => ({
        ...overlay(pictureOf(sample), results[index]!.labels, facts),
        caption: sample.id,
      }));
      const columns = Math.min(COLUMNS, pictures.length);
      const rows = Array.from({ length: Math.ceil(pictures.length / columns) }, (_, row) => ({
        pictures: pictures.slice(row * columns, (row + 1) * columns),
      }));
      const maps = results.map(({ labels }) => labels);
      const png = await overlaySheet('Predictions', [], [...rows, ...legendRows(maps, facts, columns)]);
      return [{ name: 'predictions', png }];
    },
  };
}

/** The samples' own classes; undefined where they are not known. */
function truthOf(samples: readonly Sample[]): readonly LabelMap[] | undefined {
  const maps = samples.map(({ target }) => target as LabelMap | undefined);
  return maps.every((map) => map !== undefined) ? maps : undefined;
}

/** A sheet of pictures, what they are and what the model says. */
async function truthSheet(
  samples: readonly Sample[],
  truth: readonly LabelMap[],
  results: readonly LabelMap[],
  facts: SegmentFacts,
): Promise<Uint8Array> {
  const rows: SheetRow[] = samples.map((sample, index) => {
    const picture = pictureOf(sample);
    const plain = overlay(picture, new Uint8Array(picture.width * picture.height), {
      classNames: [],
      background: true,
    });
    return {
      pictures: [plain, overlay(picture, truth[index]!.labels, facts), overlay(picture, results[index]!.labels, facts)],
    };
  });
  const maps = [...truth, ...results].map(({ labels }) => labels);
  return overlaySheet(
    'Predictions beside the truth',
    ['picture', 'truth', 'prediction'],
    [...rows, ...legendRows(maps, facts, 3)],
  );
}

/**
 * Names of the files of pictures: the picture's own, ending in .png, below the folder that they are written to. Where two
 * pictures differ by their ending alone, or by case, the later one keeps it.
 */
function uniqueFileNames(): (id: string) => string {
  const owners = new Map<string, string>();
  return (id) => {
    const inside = id
      .split(/[\\/]+/u)
      .filter((part) => !['', '.', '..'].includes(part))
      .join('/');
    const plain = `${inside.replace(/\.[^./]+$/u, '')}.png`;
    const name = (owners.get(foldedName(plain)) ?? id) === id ? plain : `${inside}.png`;
    owners.set(foldedName(name), id);
    return name;
  };
}

/** How much of a picture each class takes, the largest first; classes that do not occur are left out. */
export function areasOf(
  { labels }: LabelMap,
  numClasses: number,
): ReadonlyArray<{ readonly classIndex: number; readonly pixels: number; readonly share: number }> {
  const counts = new Array<number>(numClasses).fill(0);
  for (const label of labels) counts[label]!++;
  return counts
    .map((pixels, classIndex) => ({ classIndex, pixels, share: pixels / labels.length }))
    .filter(({ pixels }) => pixels > 0)
    .sort((a, b) => b.pixels - a.pixels);
}

function pictureOf({ pixels, width, height, channels }: Sample): OverlaidPicture {
  return { pixels: pixels as Uint8Array, width, height, channels };
}
