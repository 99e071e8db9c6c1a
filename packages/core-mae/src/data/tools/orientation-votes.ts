import type { Size } from '../../contracts/transform.js';
import type { InstanceAnnotations } from '../targets/instance-target.js';

/** What boxes were drawn on: pictures turned as their EXIF orientation says, or as they are stored. */
export type AnnotatedFrame = 'turned' | 'stored';

/** Counts what speaks for the one or the other, where a file's sizes are those of pictures laid on their side. */
export interface OrientationVotes {
  /** Pictures whose width and height are each other's in the file. */
  readonly swapped: number;
  /** @param picture as it is used */
  add(annotations: InstanceAnnotations, picture: Size): void;
  /** Undefined where boxes fit both, or speak for both. */
  frame(): AnnotatedFrame | undefined;
  /** How many pictures speak for each. */
  readonly votes: Readonly<Record<AnnotatedFrame, number>>;
}

const EDGE_TOLERANCE_PIXELS = 1;

export function createOrientationVotes(): OrientationVotes {
  const votes = { turned: 0, stored: 0 };
  let swapped = 0;
  return {
    votes,
    get swapped() {
      return swapped;
    },
    add(annotations, picture) {
      swapped++;
      const fitsPicture = boxesFit(annotations, picture);
      const fitsEntry = boxesFit(annotations, annotations);
      if (fitsPicture && !fitsEntry) votes.turned++;
      if (fitsEntry && !fitsPicture) votes.stored++;
    },
    frame() {
      if (votes.turned > 0 && votes.stored === 0) return 'turned';
      return votes.stored > 0 && votes.turned === 0 ? 'stored' : undefined;
    },
  };
}

/** Whether a file's size is a picture's, laid on its side. */
export function isSwapped(annotations: Size, picture: Size): boolean {
  return (
    picture.width !== picture.height && annotations.width === picture.height && annotations.height === picture.width
  );
}

/** Whether no box and no outline passes the edge of a picture of this size. */
export function boxesFit({ boxes, masks }: InstanceAnnotations, { width, height }: Size): boolean {
  const limits = [width + EDGE_TOLERANCE_PIXELS, height + EDGE_TOLERANCE_PIXELS];
  const isWithin = (value: number, index: number): boolean => value <= limits[index % 2]!;
  return (
    boxes.every(isWithin) &&
    masks.every((mask) => mask?.kind !== 'polygons' || mask.parts.every((part) => part.every(isWithin)))
  );
}
