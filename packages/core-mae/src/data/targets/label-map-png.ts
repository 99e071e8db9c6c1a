import { PNG } from 'pngjs';
import { MaeError } from '../../base/errors.js';
import type { LabelMap } from './label-map.js';

/**
 * The bytes of an 8-bit grey PNG file whose values are the classes.
 *
 * @throws MaeError `DATA_INVALID` for a class above 255
 */
export function labelMapPng({ width, height, labels }: LabelMap): Uint8Array {
  const tooLarge = labels.find((label) => label > 255);
  if (tooLarge !== undefined) {
    throw new MaeError('DATA_INVALID', { what: `class ${tooLarge} does not fit into an 8-bit index map` });
  }
  const png = new PNG({ width, height, colorType: 0, inputColorType: 0, bitDepth: 8, inputHasAlpha: false });
  png.data = Buffer.from(labels);
  return PNG.sync.write(png, { colorType: 0, inputColorType: 0, bitDepth: 8, inputHasAlpha: false });
}
