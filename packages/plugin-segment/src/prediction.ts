import {
  type DrawContext,
  type Drawing,
  encodePng,
  type ForwardStep,
  labelMapPng,
  type LabelMap,
  type PredictedFile,
  type Sample,
  type SheetRow,
  type SteppedForward,
  type TaskPrediction,
} from '@mae-tasks/core-mae/task';
import type { SegmentFacts } from './facts.js';
import { labelsOutput } from './inference/forward.js';
import { legendRows, type OverlaidPicture, overlay, overlaySheet } from './overlay.js';

/** The classes of a picture's pixels. */
export interface SegmentationResult {
  /** Of the picture, in pixels. */
  readonly width: number;
  readonly height: number;
  /** `[height, width]`: class indexes from 0. */
  readonly labels: Uint8Array;
}

/** Pictures beside each other on a sheet without truth. */
const COLUMNS = 4;

/** How classes of pixels become areas, files and pictures. */
export function createSegmentPrediction(
  forward: SteppedForward,
  facts: SegmentFacts,
): TaskPrediction<SegmentationResult> & {
  drawTruth(step: (context: DrawContext) => Promise<ForwardStep>, context: DrawContext): Promise<readonly Drawing[]>;
} {
  const { classNames } = facts;
  const fileName = uniqueFileNames();
  const decode: TaskPrediction<SegmentationResult>['decode'] = (outputs, samples) =>
    samples.map(({ width, height }, index) => ({
      width,
      height,
      labels: Uint8Array.from(outputs[labelsOutput(index)]!.data),
    }));
  return {
    forward,
    decode,
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
    async drawTruth(createStep, context) {
      const { samples, parameters, random } = context;
      const step = await createStep(context);
      try {
        const results = decode(await step.run(parameters, samples, random), samples);
        return [{ name: 'predictions', png: await truthSheet(samples, results, facts) }];
      } finally {
        step.dispose();
      }
    },
  };
}

/** A sheet of pictures, what they are and what the model says. */
async function truthSheet(
  samples: readonly Sample[],
  results: readonly SegmentationResult[],
  facts: SegmentFacts,
): Promise<Uint8Array> {
  const rows: SheetRow[] = samples.map((sample, index) => {
    const picture = pictureOf(sample);
    const truth = (sample.target as LabelMap).labels;
    const plain = overlay(picture, new Uint8Array(picture.width * picture.height), {
      classNames: [],
      background: true,
    });
    return { pictures: [plain, overlay(picture, truth, facts), overlay(picture, results[index]!.labels, facts)] };
  });
  const maps = [...samples.map(({ target }) => (target as LabelMap).labels), ...results.map(({ labels }) => labels)];
  return overlaySheet(
    'Predictions beside the truth',
    ['picture', 'truth', 'prediction'],
    [...rows, ...legendRows(maps, facts, 3)],
  );
}

/**
 * Names of the files of pictures: the picture's own, ending in .png, below the folder that they are written to. Where two
 * pictures differ by their ending alone, the later one keeps it.
 */
function uniqueFileNames(): (id: string) => string {
  const owners = new Map<string, string>();
  return (id) => {
    const inside = id
      .split(/[\\/]+/u)
      .filter((part) => !['', '.', '..'].includes(part))
      .join('/');
    const plain = `${inside.replace(/\.[^./]+$/u, '')}.png`;
    const name = (owners.get(plain) ?? id) === id ? plain : `${inside}.png`;
    owners.set(name, id);
    return name;
  };
}

/** How much of a picture each class takes, the largest first; classes that do not occur are left out. */
export function areasOf(
  { labels }: SegmentationResult,
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
