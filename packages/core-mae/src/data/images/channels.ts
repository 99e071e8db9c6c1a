import { MaeError } from '../../base/errors.js';
import type { Color, Image } from './picture.js';

/**
 * The same picture with this many channels. Known layouts are grey (1), grey and alpha (2), RGB (3) and RGB and alpha
 * (4): alpha is composited on `background` unless 4 channels are asked for; colour becomes grey by the weights of
 * ITU-R 601-2 in Pillow's fixed-point form; grey becomes three equal channels. Any other number stays as it is.
 *
 * @throws MaeError `CONFIG_INVALID` where a number of channels cannot become the other
 */
export function withChannels(image: Image, channels: number, background: Color): Image {
  if (image.channels === channels && channels !== 2) return image;
  const known = image.channels <= 4 && (channels === 1 || channels === 3 || channels === 4);
  if (!known) {
    throw new MaeError('CONFIG_INVALID', {
      what: `the picture has ${image.channels} channels, not \`channels\` (=${channels})`,
      fix: 'only 1 to 4 channels are converted, to 1, 3 or 4; set `channels` to what the data has',
    });
  }
  const hasAlpha = image.channels === 2 || image.channels === 4;
  const opaque = hasAlpha && channels !== 4 ? composite(image, background) : image;
  if (channels === 4) return toRgba(opaque);
  if (channels === 3) return opaque.channels === 3 ? opaque : repeatGrey(opaque);
  return opaque.channels === 1 ? opaque : toGrey(opaque);
}

/** Without alpha: `color·α + background·(1 − α)`, rounded. Grey on a grey background stays grey. */
function composite({ data, width, height, channels }: Image, background: Color): Image {
  const isGreyBackground = background[0] === background[1] && background[1] === background[2];
  const numColors = channels === 2 && isGreyBackground ? 1 : 3;
  const output = new Uint8Array(width * height * numColors);
  for (let from = 0, to = 0; from < data.length; from += channels, to += numColors) {
    const alpha = data[from + channels - 1]!;
    for (let color = 0; color < numColors; color++) {
      const value = data[from + (channels === 4 ? color : 0)]!;
      output[to + color] = roundedOver255(value * alpha + background[color]! * (255 - alpha));
    }
  }
  return { data: output, width, height, channels: numColors };
}

/** `Math.round(value / 255)` without a division, for whole numbers from 0 to 255². */
function roundedOver255(value: number): number {
  const shifted = value + 128;
  return (shifted + (shifted >> 8)) >> 8;
}

function toRgba({ data, width, height, channels }: Image): Image {
  const output = new Uint8Array(width * height * 4);
  const isGrey = channels <= 2;
  const hasAlpha = channels === 2;
  for (let from = 0, to = 0; to < output.length; from += channels, to += 4) {
    output[to] = data[from]!;
    output[to + 1] = data[isGrey ? from : from + 1]!;
    output[to + 2] = data[isGrey ? from : from + 2]!;
    output[to + 3] = hasAlpha ? data[from + 1]! : 255;
  }
  return { data: output, width, height, channels: 4 };
}

function repeatGrey({ data, width, height }: Image): Image {
  const output = new Uint8Array(width * height * 3);
  for (let pixel = 0; pixel < data.length; pixel++) {
    const value = data[pixel]!;
    output[3 * pixel] = value;
    output[3 * pixel + 1] = value;
    output[3 * pixel + 2] = value;
  }
  return { data: output, width, height, channels: 3 };
}

/** Luma as Pillow's `convert('L')` computes it. */
function toGrey({ data, width, height, channels }: Image): Image {
  const output = new Uint8Array(width * height);
  for (let pixel = 0, at = 0; pixel < output.length; pixel++, at += channels) {
    output[pixel] = (data[at]! * 19595 + data[at + 1]! * 38470 + data[at + 2]! * 7471 + 0x8000) >> 16;
  }
  return { data: output, width, height, channels: 1 };
}
