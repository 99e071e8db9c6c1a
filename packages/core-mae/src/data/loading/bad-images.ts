import { MaeError } from '../../base/errors.js';

/** A picture that could not be used, and why. */
export interface BadImage {
  /** The data set's index. */
  readonly index: number;
  readonly id: string;
  readonly error: MaeError;
}

/** Counts broken pictures, each once, and decides when there are too many. */
export interface BadImageCounter {
  readonly images: readonly BadImage[];
  has(index: number): boolean;
  /** Whether the error is one of a broken picture, which may be passed over. */
  isBadImage(error: Error): error is MaeError;
  /** @throws MaeError `DATA_INVALID` where the limit is passed */
  add(bad: BadImage): void;
}

/** The larger of 10 and 1 % of the data set. */
export function defaultMaxBadImages(size: number): number {
  return Math.max(10, Math.ceil(size / 100));
}

export function countBadImages(limit: number, name: string, report: (bad: BadImage) => void): BadImageCounter {
  const byIndex = new Map<number, BadImage>();
  const images: BadImage[] = [];
  return {
    images,
    has: (index) => byIndex.has(index),
    isBadImage: (error): error is MaeError =>
      error instanceof MaeError && (error.code === 'IMAGE_INVALID' || error.code === 'IMAGE_TOO_LARGE'),
    add(bad) {
      if (byIndex.has(bad.index)) return;
      byIndex.set(bad.index, bad);
      images.push(bad);
      report(bad);
      if (images.length <= limit) return;
      throw new MaeError('DATA_INVALID', {
        what: `${images.length} pictures cannot be used, more than \`maxBadImages\` (=${limit}); the last: ${bad.error.message}`,
        where: name,
        fix: 'repair or remove them, or raise the limit',
        cause: bad.error,
      });
    },
  };
}
