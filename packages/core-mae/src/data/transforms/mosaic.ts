import type { Sample } from '../../contracts/dataset.js';
import type { CompositionTransform, Geometry } from '../../contracts/transform.js';
import { MaeError } from '../../base/errors.js';
import { emptyCanvas, identityGeometry, pasteImage } from '../images/resampling/geometry.js';
import type { TargetSize } from './picture-transforms.js';

export interface MosaicOptions {
  /** Of one tile; the mosaic has twice the sides. */
  readonly size: TargetSize;
  /** Default 1. */
  readonly probability?: number;
  /** Share of the training from which on there are none: the last of it is on pictures as they are. Default 1. */
  readonly until?: number;
  /** Value of what no picture covers, by channel, 0–255. Default 128 for every channel. */
  readonly fill?: readonly number[];
}

/**
 * Four pictures around a random point of a canvas of twice the size, each by the corner that faces the point; what
 * reaches beyond the canvas is cut off (Bochkovskiy et al. 2020, "YOLOv4", §3.3). A transform that cuts the usual size
 * out of it follows. Without it, the sample stays as it is.
 */
export function mosaic({
  size,
  probability = 1,
  until = 1,
  fill = [128, 128, 128],
}: MosaicOptions): CompositionTransform {
  const [tileHeight, tileWidth] = typeof size === 'number' ? [size, size] : size;
  const [height, width] = [2 * tileHeight, 2 * tileWidth];
  return {
    numPartners: 3,
    async compose(sample, { random, progress, handler, partner }) {
      if (random.uniform() >= probability || progress >= until) return sample;
      const x = Math.round((0.5 + random.uniform()) * tileWidth);
      const y = Math.round((0.5 + random.uniform()) * tileHeight);
      const tiles = [sample, await partner(0), await partner(1), await partner(2)];
      const canvas = emptyCanvas({ width, height, fill }, sample.channels);
      const targets = tiles.map((tile, corner) => {
        const left = corner % 2 === 0 ? x - tile.width : x;
        const top = corner < 2 ? y - tile.height : y;
        pasteImage(canvas, { ...tile, data: levelsOf(tile) }, { left, top });
        const geometry: Geometry = { ...identityGeometry(tile), canvas: { width, height, left, top } };
        return handler === undefined ? tile.target : handler.apply(tile.target, geometry, tile);
      });
      const { data, channels } = canvas;
      const target = handler?.join === undefined ? sample.target : handler.join(targets);
      return { ...sample, pixels: data, width, height, channels, target };
    },
  };
}

/** @throws MaeError `CONFIG_INVALID` for pictures that are normalised already */
export function levelsOf({ pixels }: Sample): Uint8Array {
  if (!(pixels instanceof Float32Array)) return pixels;
  throw new MaeError('CONFIG_INVALID', {
    what: 'pictures can only be composed while their pixels are 0–255',
    where: 'transforms mosaic and copyPaste',
    fix: 'put them before `normalize`',
  });
}
