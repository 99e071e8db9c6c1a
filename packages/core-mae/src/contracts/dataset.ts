/** Where a picture's pixels come from. */
export type ImageSource =
  | { readonly kind: 'file'; readonly path: string }
  | {
      readonly kind: 'pixels';
      /** `[height, width, channels]`, 0–255. */
      readonly data: Uint8Array;
      readonly width: number;
      readonly height: number;
      readonly channels: number;
    };

/** One entry of a data set before its picture is decoded. Plain data: it crosses to worker threads. */
export interface Item<Target = unknown> {
  /** Names the entry in messages and results: a path relative to the data set, or `train-images#17`. */
  readonly id: string;
  readonly image: ImageSource;
  /** What is known about the picture: a class index, instances, the path of an index map; absent for pretraining. */
  readonly target?: Target;
}

/** What the pictures of a data set are labelled with, for counting. */
export interface Labelling {
  /** What a label stands for: a whole picture, an object on it, or a pixel. */
  readonly unit: 'picture' | 'object' | 'pixel';
  /**
   * How often each class occurs at the item `index`, by class index; labels that are not counted in training (crowds,
   * ignored pixels) are left out. May read the item's own annotation file, never its picture.
   *
   * @throws MaeError for annotations that cannot be used
   */
  readonly countsOf: (index: number) => ReadonlyMap<number, number>;
}

/** An indexed collection of items. Opening one reads names and annotations, never pixels. */
export interface Dataset<Target = unknown> {
  /** For messages: the folder or file it was read from. */
  readonly name: string;
  readonly size: number;
  /** The item at `index`, 0 ≤ index < size; the order is the same on every machine. */
  item(index: number): Item<Target>;
  /** Names of the classes, by contiguous index, where the data has classes. */
  readonly classNames?: readonly string[];
  /** What the data's files call the classes by, by contiguous index, where they number them: COCO's category ids. */
  readonly classIds?: readonly number[];
  /** The layout that the files were recognised as, and by what, in a few words for people. */
  readonly layout?: string;
  /** Absent where pictures have no labels, or of a kind that cannot be counted by class. */
  readonly labelling?: Labelling;
  /** Pictures that the data lists and that are not there: they are no items. */
  readonly missing?: readonly string[];
  /** Oddities met while opening, each naming its file or annotation. */
  readonly warnings: readonly string[];
}

/** A data set in a few numbers, which recipes are fitted to. */
export interface DataMeasures {
  readonly pictures: number;
  /** Medians, in pixels; undefined where no picture can be read. */
  readonly width: number | undefined;
  readonly height: number | undefined;
  /** Pixels that a quarter of the objects' sides fall below; undefined where nothing is said of objects. */
  readonly objectSide: number | undefined;
}

/**
 * A decoded and transformed picture with its target; what a task collates into a batch. Plain data. In training, later
 * pictures take the memory of its pixels after its step.
 */
export interface Sample<Target = unknown> {
  readonly id: string;
  /** `[height, width, channels]`: 0–255 as decoded and resized, float32 once normalised. */
  readonly pixels: Uint8Array | Float32Array;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  /** The picture's size as decoded, after EXIF orientation, before any transform. */
  readonly originalWidth: number;
  readonly originalHeight: number;
  readonly target: Target;
}

/**
 * A step of a sample pipeline, as plain data so that worker threads can build it. A transform of a plugin names its
 * module (a `file:` URL) and the export that makes it.
 */
export interface TransformSpec {
  /** A built-in transform's name, or the name of an export of `module`. */
  readonly name: string;
  readonly module?: string;
  readonly options?: Readonly<Record<string, unknown>>;
}

/** What pictures are normalised by: per channel, in units of 0–1. */
export interface PixelStatistics {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}
