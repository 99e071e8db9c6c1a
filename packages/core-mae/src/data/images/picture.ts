/** Pixels in memory, `[height, width, channels]`, 0–255. */
export interface Image {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
}

/** Red, green and blue, 0–255. */
export type Color = readonly [number, number, number];

/** The picture with pixels in memory of its own: the same one, or a copy where they are part of something larger. */
export function ownPixels(image: Image): Image {
  const { data } = image;
  return data.byteLength === data.buffer.byteLength ? image : { ...image, data: new Uint8Array(data) };
}
