/** Pixels in memory, `[height, width, channels]`, 0–255. */
export interface Image {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
}

/** Red, green and blue, 0–255. */
export type Color = readonly [number, number, number];
