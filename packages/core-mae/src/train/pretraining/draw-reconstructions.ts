import type { PixelStatistics } from '../../contracts/dataset.js';
import type { MaeConfig, MaskOptions } from '../../models/mae-config.js';
import type { Reconstruction } from '../../models/reconstruct.js';
import { pictureSheetPng, type SheetPicture } from '../../report/sheets/picture-sheet.js';

/** Columns of the paper's figure 2. */
const COLUMNS = ['original', 'masked', 'prediction', 'with visible patches'] as const;
/** What the model predicts of normalised patches has no brightness and contrast of its own. */
const NORMALIZED_COLUMNS = [
  'original',
  'masked',
  'prediction, around grey',
  'with visible patches',
  'true mean and deviation added',
] as const;

/** Share of the range of a pixel that stands for one deviation of a normalised patch; nearly all of it is then visible. */
const DEVIATION_SHARE = 0.2;

/** What stands for removed patches and for a deviation of normalised ones: mid-grey, and a fifth of the range. */
export function shownValues({ mean, std }: PixelStatistics): {
  readonly removedValue: readonly number[];
  readonly deviationValue: readonly number[];
} {
  return {
    removedValue: mean.map((value, channel) => (0.5 - value) / std[channel]!),
    deviationValue: std.map((value) => DEVIATION_SHARE / value),
  };
}

/**
 * A PNG with one row a picture: the original, what the encoder saw, the model's own prediction, and that with the
 * visible patches pasted over it (He et al. 2022, figure 2); of normalised patches also with what the model was not
 * asked for.
 */
export async function drawReconstructions(
  pictures: readonly Reconstruction[],
  options: PixelStatistics & { readonly config: MaeConfig; readonly mask: MaskOptions },
): Promise<Uint8Array> {
  const percent = `${Math.round(options.mask.maskRatio * 100)} % masked`;
  return pictureSheetPng({
    title: `Reconstructions, ${percent}`,
    columns: options.mask.normPixLoss ? NORMALIZED_COLUMNS : COLUMNS,
    rows: pictures.map(({ original, masked, prediction, pasted, withTruth }) => ({
      pictures: [original, masked, prediction, pasted, ...(withTruth === undefined ? [] : [withTruth])].map((image) =>
        toSheetPicture(image, options),
      ),
    })),
  });
}

/** A normalised picture `[H, W, C]` as bytes; of channel counts other than 1, 3 and 4 the first is shown. */
export function toSheetPicture(
  image: Float32Array,
  { config, mean, std }: PixelStatistics & { readonly config: Pick<MaeConfig, 'imageSize' | 'inChannels'> },
): SheetPicture {
  const [height, width] = config.imageSize;
  const { inChannels } = config;
  const channels = inChannels === 3 || inChannels === 4 ? inChannels : 1;
  const data = new Uint8Array(height * width * channels);
  for (let pixel = 0; pixel < height * width; pixel++) {
    for (let channel = 0; channel < channels; channel++) {
      const value = image[pixel * inChannels + channel]! * std[channel]! + mean[channel]!;
      data[pixel * channels + channel] = Math.min(255, Math.max(0, Math.round(value * 255)));
    }
  }
  return { data, width, height, channels };
}
