import type { PixelSamples } from './picture-header.js';
import type { WideValues } from './value-range.js';

/** Samples of pixels, of which the last of each is alpha where `hasAlpha`. */
export interface SelectedSamples<Data> {
  readonly data: Data;
  readonly channels: number;
  readonly hasAlpha: boolean;
}

/**
 * The colours of each pixel, and its alpha where it has one; all samples where as many channels are wanted and none is
 * alpha.
 *
 * @param channels of the decoder, which may put a grey twice more before the others
 */
export function selectSamples<Data extends Uint8Array | WideValues>(
  data: Data,
  channels: number,
  samples: PixelSamples | undefined,
  wanted: number,
): SelectedSamples<Data> {
  if (samples === undefined) return { data, channels, hasAlpha: channels === 2 || channels === 4 };
  const { total, colors, alpha } = samples;
  const offset = Math.max(0, channels - total);
  const hasAlpha = alpha !== undefined;
  const number = !hasAlpha && wanted === total ? total : colors;
  const kept = Array.from({ length: number }, (_, index) => offset + index);
  if (hasAlpha) kept.push(offset + alpha);
  if (kept.length === channels && kept.every((from, index) => from === index)) return { data, channels, hasAlpha };
  const numPixels = data.length / channels;
  const selected = new (data.constructor as new (length: number) => Data)(numPixels * kept.length);
  for (let from = 0, to = 0; from < data.length; from += channels) {
    for (const sample of kept) selected[to++] = data[from + sample]!;
  }
  return { data: selected, channels: kept.length, hasAlpha };
}

/** One sentence for all pictures of this kind; undefined where every sample is used. */
export function unusedSamplesNote(samples: PixelSamples | undefined, wanted: number): string | undefined {
  if (samples === undefined) return undefined;
  const { total, colors, alpha } = samples;
  if (total === wanted || colors + (alpha === undefined ? 0 : 1) >= total) return undefined;
  return (
    `pictures of ${total} samples a pixel, of which ${colors === 1 ? 'the first is' : `the first ${colors} are`} used` +
    `${alpha === undefined ? ' (the file declares none as alpha)' : ', and alpha'}`
  );
}
