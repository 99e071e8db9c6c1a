import type { Dataset } from '#core/contracts/dataset.js';

export interface LabelledOptions {
  readonly count: number;
  readonly classNames?: readonly string[];
  /** Side in pixels. Default 32. */
  readonly side?: number;
  /** The label of a picture. Default: its index modulo the classes. */
  readonly label?: (index: number) => number;
}

/** Pictures in memory whose class can be seen: a gradient whose direction and colour depend on it. */
export function labelledPictures({ count, classNames, side = 32, label }: LabelledOptions): Dataset {
  const numClasses = classNames?.length ?? 1;
  const labelOf = label ?? ((index: number) => index % numClasses);
  return {
    name: 'pictures',
    size: count,
    item(index) {
      const target = labelOf(index);
      const data = new Uint8Array(side * side * 3);
      for (let y = 0; y < side; y++) {
        for (let x = 0; x < side; x++) {
          const along = target % 2 === 0 ? x : y;
          const value = (255 * along) / side;
          const at = (y * side + x) * 3;
          data[at] = value;
          data[at + 1] = target % 3 === 0 ? 255 - value : value / 2;
          data[at + 2] = (37 * index + 11 * y + 3 * x) % 64;
        }
      }
      const image = { kind: 'pixels', data, width: side, height: side, channels: 3 } as const;
      return { id: `picture-${index}`, image, ...(classNames === undefined ? {} : { target }) };
    },
    ...(classNames === undefined ? {} : { classNames }),
    warnings: [],
  };
}
