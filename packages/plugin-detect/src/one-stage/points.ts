import type { OneStageConfig } from './config.js';

/** The points of all pyramid levels, finest first, row by row; P of them. */
export interface Points {
  /** `[P, 2]`: x and y of the middle of each cell, in pixels. */
  readonly centers: Float32Array;
  /** `[P]`: side of its cell, in pixels. */
  readonly strides: Float32Array;
}

/** Rows and columns of a pyramid level. */
export interface PointLevel {
  readonly stride: number;
  readonly height: number;
  readonly width: number;
}

export function pointLevels({ vit, strides }: Pick<OneStageConfig, 'vit' | 'strides'>): PointLevel[] {
  const [height, width] = vit.imageSize;
  return strides.map((stride) => ({ stride, height: height / stride, width: width / stride }));
}

export function createPoints(config: Pick<OneStageConfig, 'vit' | 'strides'>): Points {
  const levels = pointLevels(config);
  const count = levels.reduce((sum, { height, width }) => sum + height * width, 0);
  const centers = new Float32Array(2 * count);
  const strides = new Float32Array(count);
  let point = 0;
  for (const { stride, height, width } of levels) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        centers[2 * point] = (x + 0.5) * stride;
        centers[2 * point + 1] = (y + 0.5) * stride;
        strides[point++] = stride;
      }
    }
  }
  return { centers, strides };
}
