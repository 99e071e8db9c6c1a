import type { Instances, Sample } from '@mae-tasks/core-mae/task';
import { createRandom } from '../../packages/core-mae/src/base/random.js';

/** Objects in each picture. */
export const OBJECTS = 12;

/** A normalised picture of noise with boxes that are filled with their masks. */
export function randomSample(
  [height, width]: readonly [number, number],
  numClasses: number,
  index: number,
): Sample<Instances> {
  const random = createRandom(1).fork('picture', index);
  const boxes = Array.from({ length: OBJECTS }, () => {
    const [x, y] = [0.7 * width * random.uniform(), 0.7 * height * random.uniform()];
    return [x, y, x + width * (0.08 + 0.2 * random.uniform()), y + height * (0.08 + 0.2 * random.uniform())];
  });
  return {
    id: String(index),
    pixels: Float32Array.from({ length: width * height * 3 }, () => random.normal()),
    width,
    height,
    channels: 3,
    originalWidth: width,
    originalHeight: height,
    target: {
      imageId: index,
      ids: Float64Array.from(boxes.keys()),
      boxes: Float32Array.from(boxes.flat()),
      classes: Int32Array.from(boxes, () => random.integer(numClasses)),
      crowds: new Uint8Array(OBJECTS),
      masks: boxes.map((corners) => {
        const [left, top, right, bottom] = corners.map(Math.floor) as [number, number, number, number];
        const size = { width: right - left, height: bottom - top };
        return { left, top, ...size, data: new Uint8Array(size.width * size.height).fill(1) };
      }),
    },
  };
}
