import type { Filter, Geometry, Size, Canvas } from '../../../contracts/transform.js';
import type { Image } from '../picture.js';
import { resize } from './resize.js';

/** A geometry that keeps the whole picture as it is. */
export function identityGeometry({ width, height }: Size): Geometry {
  return { box: [0, 0, width, height], width, height };
}

/** The size of what a geometry gives. */
export function outputSize({ width, height, canvas }: Geometry): Size {
  return canvas === undefined ? { width, height } : { width: canvas.width, height: canvas.height };
}

/** Where a point's x (in pixels, edges of pixels at whole numbers) ends up. */
export function mapX({ box, width, flip, canvas }: Geometry, x: number): number {
  const scaled = ((x - box[0]) * width) / (box[2] - box[0]);
  return (flip === true ? width - scaled : scaled) + (canvas?.left ?? 0);
}

/** Where a point's y (in pixels, edges of pixels at whole numbers) ends up. */
export function mapY({ box, height, canvas }: Geometry, y: number): number {
  return ((y - box[1]) * height) / (box[3] - box[1]) + (canvas?.top ?? 0);
}

/** The picture after the geometry; the same pixels, not a copy, where nothing changes. */
export function applyGeometry(image: Image, geometry: Geometry, filter: Filter): Image {
  const { box, width, height, flip, canvas } = geometry;
  const result = resize(image, { box, width, height, filter, ...(flip === undefined ? {} : { flip }) });
  return canvas === undefined ? result : layOnCanvas(result, canvas);
}

/** A canvas of the fill colour with the picture on it; what lies outside the canvas is cut off. */
function layOnCanvas(image: Image, canvas: Canvas): Image {
  const result = emptyCanvas(canvas, image.channels);
  pasteImage(result, image, canvas);
  return result;
}

/** A picture of the canvas's fill colour. */
export function emptyCanvas({ width, height, fill }: Canvas, channels: number): Image {
  const data = new Uint8Array(width * height * channels);
  if (fill?.some((value) => value !== 0) === true) {
    for (let at = 0; at < data.length; at++) data[at] = fill[at % channels] ?? 0;
  }
  return { data, width, height, channels };
}

/** Writes a picture into another, its top-left corner at a place; what lies outside is cut off. */
export function pasteImage(
  { data, width, height }: Image,
  image: Image,
  { left = 0, top = 0 }: Pick<Canvas, 'left' | 'top'>,
): void {
  const { channels } = image;
  const firstColumn = Math.max(0, left);
  const columns = Math.min(width, left + image.width) - firstColumn;
  const lastRow = Math.min(height, top + image.height);
  for (let row = Math.max(0, top); row < lastRow && columns > 0; row++) {
    const from = ((row - top) * image.width + (firstColumn - left)) * channels;
    data.set(image.data.subarray(from, from + columns * channels), (row * width + firstColumn) * channels);
  }
}
