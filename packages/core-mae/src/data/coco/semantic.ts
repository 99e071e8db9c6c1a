import { annotationRle, annotationsOfImage, type CocoAnnotations } from './annotations.js';
import { MaeError } from '../../errors.js';

export interface SemanticMaskOptions {
  /** What pixels without an object become: a class of its own in front of the others, or ignored. Default `class`. */
  readonly background?: 'class' | 'ignore';
  /** The value of ignored pixels. Default 255. */
  readonly ignoreIndex?: number;
}

/** A picture's class by pixel, with the names of the classes by value. */
export interface SemanticMask {
  readonly width: number;
  readonly height: number;
  /** Row-major `[H, W]`. */
  readonly labels: Uint8Array;
}

/** Names of the classes of `semanticMask`, by value. */
export function semanticClassNames(annotations: CocoAnnotations, background: 'class' | 'ignore' = 'class'): string[] {
  const names = annotations.categories.map(({ name }) => name);
  return background === 'class' ? ['background', ...names] : names;
}

/**
 * The classes of a picture's pixels, from its objects: smaller ones lie on top of larger ones, as detectors' panoptic
 * baselines have it.
 *
 * @throws MaeError `DATA_INVALID` for more classes than a byte holds, `ANNOTATION_INVALID` for a picture without size.
 */
export function semanticMask(
  annotations: CocoAnnotations,
  image: number,
  { background = 'class', ignoreIndex = 255 }: SemanticMaskOptions = {},
): SemanticMask {
  const width = annotations.images.widths[image]!;
  const height = annotations.images.heights[image]!;
  const first = background === 'class' ? 1 : 0;
  if (annotations.categories.length + first > ignoreIndex) {
    throw new MaeError('DATA_INVALID', {
      what: `${annotations.categories.length} classes do not fit below \`ignoreIndex\` (=${ignoreIndex})`,
      where: annotations.file,
      fix: 'leave out categories',
    });
  }
  if (width === 0 || height === 0) {
    throw new MaeError('ANNOTATION_INVALID', {
      what: `Image ${annotations.images.ids[image]!} has no width and height`,
      where: annotations.file,
      fix: 'add them to its entry',
    });
  }
  const labels = new Uint8Array(width * height).fill(background === 'class' ? 0 : ignoreIndex);
  const entries = [...annotationsOfImage(annotations, image)].sort(
    (a, b) => annotations.areas[b]! - annotations.areas[a]!,
  );
  for (const entry of entries) {
    paint(labels, annotationRle(annotations, entry), annotations.categoryIndexes[entry]! + first);
  }
  return { width, height, labels };
}

function paint(
  labels: Uint8Array,
  { height, width, counts }: { readonly height: number; readonly width: number; readonly counts: Uint32Array },
  value: number,
): void {
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
