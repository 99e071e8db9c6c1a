import type { Box } from '../../contracts/transform.js';
import type { Image } from './picture.js';

/** A box of whole numbers cut out, without resampling; the same pixels, not a copy, where it is the whole picture. */
export function crop(image: Image, [x0, y0, x1, y1]: Box): Image {
  const { channels } = image;
  const [width, height] = [x1 - x0, y1 - y0];
  if (width === image.width && height === image.height) return image;
  const stride = width * channels;
  const data = new Uint8Array(height * stride);
  for (let row = 0; row < height; row++) {
    const from = ((y0 + row) * image.width + x0) * channels;
    data.set(image.data.subarray(from, from + stride), row * stride);
  }
  return { data, width, height, channels };
}

/** The picture mirrored left to right. */
export function mirror({ data, width, height, channels }: Image): Image {
  const mirrored = new Uint8Array(data.length);
  const stride = width * channels;
  for (let row = 0; row < height; row++) {
    for (let x = 0; x < width; x++) {
      const from = row * stride + x * channels;
      const to = row * stride + (width - 1 - x) * channels;
      for (let channel = 0; channel < channels; channel++) mirrored[to + channel] = data[from + channel]!;
    }
  }
  return { data: mirrored, width, height, channels };
}
