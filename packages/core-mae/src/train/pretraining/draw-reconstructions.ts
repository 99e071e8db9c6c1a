import type { PixelStatistics } from '../../contracts/dataset.js';
import type { MaeConfig, MaskOptions } from '../../models/mae-config.js';
import type { Reconstruction } from '../../models/reconstruct.js';
import { pictureSheetPng, type SheetPicture } from '../../report/sheets/picture-sheet.js';

/** Columns of the paper's figure 2. */
const COLUMNS = ['original', 'masked', 'reconstruction', 'with visible patches'] as const;

/**
 * A PNG with one row a picture: the original, what the encoder saw, the prediction, and the prediction with the visible
 * patches pasted over it (He et al. 2022, figure 2).
 */
export async function drawReconstructions(
  pictures: readonly Reconstruction[],
  options: PixelStatistics & { readonly config: MaeConfig; readonly mask: MaskOptions },
): Promise<Uint8Array> {
  const percent = `${Math.round(options.mask.maskRatio * 100)} % masked`;
  return pictureSheetPng({
    title: `Reconstructions, ${percent}`,
    columns: COLUMNS,
    rows: pictures.map(({ original, masked, reconstruction, pasted }) => ({
      pictures: [original, masked, reconstruction, pasted].map((image) => toSheetPicture(image, options)),
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
