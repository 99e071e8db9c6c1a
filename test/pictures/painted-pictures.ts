import type { Dataset } from '#core/contracts/dataset.js';
import type { LabelMap } from '#core/data/targets/label-map.js';

export interface PaintedOptions {
  readonly count: number;
  readonly classNames?: readonly string[] | undefined;
  /** `[height, width]` in pixels; default 32 × 32. */
  readonly size?: readonly [number, number];
  /** Replaces the label at a pixel. */
  readonly label?: (label: number, x: number, y: number, index: number) => number;
}

/** Pictures in memory of a disc, a bar and the ground, each of a colour of its own; 255 along the left border. */
export function paintedPictures({ count, classNames, size = [32, 32], label }: PaintedOptions): Dataset<LabelMap> {
  return {
    name: 'painted',
    size: count,
    item(index) {
      const { pixels, labels } = paint(size, index);
      const [height, width] = size;
      const relabelled =
        label === undefined
          ? labels
          : labels.map((value, at) => label(value, at % width, Math.floor(at / width), index));
      const image = { kind: 'pixels', data: pixels, width, height, channels: 3 } as const;
      return { id: `painted-${index}`, image, target: { width, height, labels: relabelled } };
    },
    ...(classNames === undefined ? {} : { classNames }),
    warnings: [],
  };
}

const COLORS = [
  [70, 90, 60],
  [220, 60, 50],
  [40, 80, 230],
] as const;

function paint([height, width]: readonly [number, number], index: number) {
  const pixels = new Uint8Array(height * width * 3);
  const labels = new Uint8Array(height * width);
  const radius = Math.min(height, width) * 0.28;
  const [cx, cy] = [width * (0.35 + 0.08 * (index % 4)), height * (0.4 + 0.06 * (index % 3))];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const inDisc = (x - cx) ** 2 + (y - cy) ** 2 < radius ** 2;
      const inBar = y > 0.75 * height && y < 0.92 * height;
      const label = inDisc ? 1 : inBar ? 2 : 0;
      const at = y * width + x;
      labels[at] = x === 0 ? 255 : label;
      COLORS[label].forEach((value, channel) => {
        pixels[3 * at + channel] = value + ((7 * x + 13 * y + 5 * index + 11 * channel) % 16);
      });
    }
  }
  return { pixels, labels };
}
