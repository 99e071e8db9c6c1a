import type { Dataset, Sample } from '../../contracts/dataset.js';
import type { Engine } from '../../contracts/engine.js';
import type { BadImage } from '../../data/loading/bad-images.js';
import { createLoader } from '../../data/loading/loader.js';
import { takeSamples } from '../../data/loading/take-samples.js';
import { stackPixels } from '../../models/encoder-batch.js';
import { drawPatchOrder } from '../../models/masking.js';
import { createReconstruct, type Reconstruction } from '../../models/reconstruct.js';
import { patchGrid } from '../../models/vit-config.js';
import { createRandom } from '../../base/random.js';
import { pictureSheetPng } from '../../report/sheets/picture-sheet.js';
import { drawReconstructions, shownValues, toSheetPicture } from './draw-reconstructions.js';
import type { LoadedMae } from './load.js';

export interface VisualizeOptions {
  readonly engine: Engine;
  readonly mae: LoadedMae;
  readonly data: Dataset;
  /** How many pictures of the data to show: the first usable ones. */
  readonly count: number;
  /** Shares of the patches to remove. One gives the paper's figure 2; several give its figure 4. */
  readonly maskRatios: readonly number[];
  readonly seed: number;
  readonly reportBadImage?: (bad: BadImage) => void;
  readonly reportWarning?: (message: string) => void;
}

/**
 * A PNG of reconstructions. With one ratio: original, masked, the model's own prediction, and that with the visible
 * patches, a row a picture (He et al. 2022, figure 2). With several: the original, then masked picture and prediction
 * with the visible patches at each ratio (figure 4). Normalised patches are shown around grey, and beside them with
 * their true mean and deviation.
 *
 * @throws MaeError `DATA_INVALID` where no picture can be used
 */
export async function visualize(options: VisualizeOptions): Promise<Uint8Array> {
  const { mae, maskRatios } = options;
  const { model, mask, statistics } = mae;
  const samples = await firstSamples(options);
  const columns = new Map<number, Reconstruction[]>();
  for (const maskRatio of maskRatios) columns.set(maskRatio, await reconstructAt(samples, maskRatio, options));
  const [only] = maskRatios;
  if (only !== undefined && maskRatios.length === 1) {
    const drawn = { config: model, mask: { ...mask, maskRatio: only }, ...statistics };
    return drawReconstructions(columns.get(only)!, drawn);
  }
  const picture = (image: Float32Array) => toSheetPicture(image, { config: model, ...statistics });
  const percent = (ratio: number): string => `${Math.round(ratio * 100)} %`;
  return pictureSheetPng({
    title: 'Reconstructions at several mask ratios',
    columns: [
      'original',
      ...maskRatios.flatMap((ratio) => [
        `${percent(ratio)} masked`,
        ...(mask.normPixLoss ? ['prediction, around grey', 'true mean and deviation added'] : ['prediction']),
      ]),
    ],
    rows: samples.map((_, row) => ({
      pictures: [
        picture([...columns.values()][0]![row]!.original),
        ...maskRatios.flatMap((ratio) => {
          const { masked, pasted, withTruth } = columns.get(ratio)![row]!;
          return [masked, pasted, ...(withTruth === undefined ? [] : [withTruth])].map(picture);
        }),
      ],
    })),
  });
}

async function firstSamples(options: VisualizeOptions): Promise<readonly Sample[]> {
  const { data, count, mae, reportBadImage, reportWarning, seed } = options;
  const loader = await createLoader({
    dataset: data,
    pipeline: { decode: mae.decode, transforms: mae.transforms },
    batchSize: Math.min(count, data.size),
    random: createRandom(seed),
    shuffle: false,
    dropLast: false,
    workers: 0,
    onBadImage: 'skip',
    maxBadImages: Infinity,
    ...(reportBadImage === undefined ? {} : { reportBadImage }),
    ...(reportWarning === undefined ? {} : { reportWarning }),
  });
  return takeSamples(loader, count);
}

async function reconstructAt(
  samples: readonly Sample[],
  maskRatio: number,
  { engine, mae: { model, mask, parameters, statistics }, seed }: VisualizeOptions,
): Promise<Reconstruction[]> {
  const random = createRandom(seed);
  const grid = patchGrid(model);
  return createReconstruct(model, { ...mask, maskRatio })(engine, parameters, {
    images: stackPixels(samples, model),
    // The same noise at every ratio: more and more of the same patches are removed.
    patchOrders: samples.map((_, index) =>
      drawPatchOrder(mask.maskStrategy, grid, maskRatio, random.fork('mask', index)),
    ),
    ...shownValues(statistics),
  });
}
