import type { HostTensor, PixelStatistics, Sample } from '@mae-tasks/core-mae/task';
import type { SegmentSettings } from '../settings.js';
import { createLabelRows, type LabelRows } from './label-rows.js';
import { createScoreRows, type ScoreRows } from './score-rows.js';
import { cutWindow, type Variant, variantsOf, type WindowPlace, type WindowSize, windowStarts } from './variants.js';

export interface SegmentOptions {
  /** Size of the pictures that the network takes. */
  readonly window: WindowSize;
  /** Pixels between two of its logits. */
  readonly stride: number;
  readonly numClasses: number;
  readonly statistics: PixelStatistics;
  readonly inference: SegmentSettings['inference'];
  /** Windows in one pass of the network. */
  readonly batchSize: number;
  /** Logits `[B, h, w, K]` of windows `[B, H, W, C]`; read before the next call. */
  readonly forward: (windows: HostTensor) => Promise<HostTensor>;
}

/** A window of one of a picture's variants. */
interface Job {
  readonly picture: PictureState;
  /** The variant's index. */
  readonly variant: number;
  readonly place: WindowPlace;
}

interface PictureState {
  readonly variants: readonly Variant[];
  readonly scores: readonly ScoreRows[];
  readonly labelRows: LabelRows;
  /** Top of each window that is still to come, by variant. */
  readonly pending: number[][];
}

/**
 * The classes of pictures' pixels at their own sizes, one `[height, width]` a picture.
 *
 * Windows go through the network in batches, from above downwards. Overlapping windows' logits are averaged on the
 * network's own grid, and a row of pixels is decided as soon as no window will change it: what is held at a time is about
 * a window's height of logits, not the picture's.
 */
export async function segmentPictures(samples: readonly Sample[], options: SegmentOptions): Promise<Uint8Array[]> {
  const { window, batchSize, forward } = options;
  const channels = samples[0]?.channels ?? 3;
  const shape = [batchSize, window.height, window.width, channels];
  const size = window.height * window.width * channels;
  const windows: HostTensor & { data: Float32Array } = {
    shape,
    dtype: 'float32',
    data: new Float32Array(batchSize * size),
  };
  const results: Uint8Array[] = [];
  let waiting: Job[] = [];
  const runWaiting = async (): Promise<void> => {
    if (waiting.length === 0) return;
    waiting.forEach(({ picture, variant, place }, index) => {
      const look = picture.variants[variant]!;
      const paddedWidth = gridLength(look.width, options.stride) * options.stride;
      const context = { paddedWidth, statistics: options.statistics };
      cutWindow(windows.data.subarray(index * size, (index + 1) * size), look, place, window, context);
    });
    const logits = await forward(windows);
    const each = logits.data.length / batchSize;
    waiting.forEach((job, index) => {
      addWindow(job, (logits.data as Float32Array).subarray(index * each, (index + 1) * each), options);
    });
    waiting = [];
  };
  for (const sample of samples) {
    const { picture, jobs } = planPicture(sample, options);
    results.push(picture.labelRows.labels);
    for (const job of jobs) {
      waiting.push(job);
      if (waiting.length === batchSize) await runWaiting();
    }
  }
  await runWaiting();
  return results;
}

function planPicture(sample: Sample, options: SegmentOptions): { picture: PictureState; jobs: Job[] } {
  const { window, stride, numClasses, inference } = options;
  const variants = variantsOf(sample, window, inference);
  const scores = variants.map(({ width, height }) =>
    createScoreRows(gridLength(width, stride), gridLength(height, stride), numClasses),
  );
  const labelRows = createLabelRows({
    width: sample.width,
    height: sample.height,
    numClasses,
    variants: variants.map(({ width, height }, index) => ({
      rows: scores[index]!,
      columnsUsed: width / stride,
      rowsUsed: height / stride,
    })),
  });
  const pending: number[][] = variants.map(() => []);
  const picture: PictureState = { variants, scores, labelRows, pending };
  const jobs = variants.flatMap(({ width, height }, variant) => {
    const tops = windowStarts(height, window.height, steps(window.height, options), stride);
    const lefts = windowStarts(width, window.width, steps(window.width, options), stride);
    const places = tops.flatMap((top) => lefts.map((left) => ({ left, top })));
    return places.map((place): Job => ({ picture, variant, place }));
  });
  // All variants come down the picture together.
  const share = ({ variant, place }: Job): number => place.top / variants[variant]!.height;
  jobs.sort((a, b) => share(a) - share(b));
  for (const { variant, place } of jobs) pending[variant]!.push(place.top);
  return { picture, jobs };
}

function addWindow(
  { picture, variant, place }: Job,
  logits: Float32Array,
  { window, stride, numClasses }: SegmentOptions,
): void {
  const { scores, pending, labelRows, variants } = picture;
  scores[variant]!.add(logits, {
    left: place.left / stride,
    top: place.top / stride,
    width: Math.round(window.width / stride),
    height: logits.length / numClasses / Math.round(window.width / stride),
    mirrored: variants[variant]!.flip,
  });
  pending[variant]!.shift();
  labelRows.advance(pending.map(([top], index) => (top === undefined ? scores[index]!.height : top / stride)));
}

/** Pixels between windows along a side, a multiple of the grid's. */
function steps(window: number, { inference, stride }: SegmentOptions): number {
  const wanted = Math.min(window, inference.stride ?? window / 2);
  return Math.max(stride, Math.floor(wanted / stride) * stride);
}

/** Cells of the grid of logits that cover so many pixels. */
function gridLength(pixels: number, stride: number): number {
  return Math.ceil(pixels / stride);
}
