import type { Size } from '../../contracts/transform.js';
import { MaeError } from '../../base/errors.js';
import { boxToRle } from '../masks/polygon.js';
import { type Rle, rleArea } from '../masks/rle.js';
import type { LabelMap } from './label-map.js';
import { decodeMask, hasArea, type InstanceAnnotations } from './instance-target.js';

export interface InstanceLabelOptions {
  /** What pixels without an object become: class 0, in front of the others, or ignored. Default `class`. */
  readonly background?: 'class' | 'ignore';
  /** The value of ignored pixels. Default 255. */
  readonly ignoreIndex?: number;
}

/**
 * The classes of a picture's pixels, from its objects: smaller ones lie on top of larger ones. Pixels in the box of an
 * object without a mask are ignored, because its outline is not known.
 *
 * @throws MaeError `DATA_INVALID` for a class that is no value below `ignoreIndex`, `ANNOTATION_INVALID` for a mask of
 * another size
 */
export function instanceLabels(
  { masks, classes, boxes, imageId }: InstanceAnnotations,
  { width, height }: Size,
  { background = 'class', ignoreIndex = 255 }: InstanceLabelOptions = {},
): LabelMap {
  const first = background === 'class' ? 1 : 0;
  const layers = masks.flatMap((mask, i) => {
    if (!hasArea(boxes, i)) return [];
    const value = classes[i]! + first;
    if (value >= ignoreIndex) {
      throw new MaeError('DATA_INVALID', {
        what: `class ${classes[i]!} does not fit below \`ignoreIndex\` (=${ignoreIndex})`,
        where: `image ${imageId}`,
        fix: 'leave out categories, or give a larger `data.ignoreIndex`',
      });
    }
    const rle = mask === undefined ? boxMask(boxes, i, height, width) : decodeMask(mask, height, width);
    if (rle.height !== height || rle.width !== width) {
      throw new MaeError('ANNOTATION_INVALID', {
        what: `a mask is ${rle.width} × ${rle.height}, its picture ${width} × ${height}`,
        where: `image ${imageId}`,
        fix: 'write the mask at the size of the picture',
      });
    }
    return [{ rle, value: mask === undefined ? ignoreIndex : value, area: rleArea(rle) }];
  });
  const labels = new (ignoreIndex > 255 ? Uint16Array : Uint8Array)(width * height);
  if (background === 'ignore') labels.fill(ignoreIndex);
  layers.sort((a, b) => b.area - a.area);
  for (const { rle, value } of layers) paint(labels, rle, value);
  return { width, height, labels };
}

function boxMask(boxes: Float64Array, i: number, height: number, width: number): Rle {
  const [x0, y0, x1, y1] = [boxes[4 * i]!, boxes[4 * i + 1]!, boxes[4 * i + 2]!, boxes[4 * i + 3]!];
  return boxToRle([x0, y0, x1 - x0, y1 - y0], height, width);
}

function paint(labels: Uint8Array | Uint16Array, { height, width, counts }: Rle, value: number): void {
  let position = 0;
  for (let run = 0; run < counts.length; run++) {
    const end = position + counts[run]!;
    if (run % 2 === 1) {
      for (let i = position; i < end; i++) {
        const x = Math.floor(i / height);
        labels[(i - x * height) * width + x] = value;
      }
    }
    position = end;
  }
}
