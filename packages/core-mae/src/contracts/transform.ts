import type { Sample } from './dataset.js';
import type { Random } from './random.js';

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** `[x0, y0, x1, y1]` in absolute pixels, edges of pixels at whole numbers; x1 and y1 are exclusive. */
export type Box = readonly [number, number, number, number];

/** A picture that the result is laid on, its top-left corner at (`left`, `top`); what lies outside is cut off. */
export interface Canvas extends Size {
  /** May be negative. Default 0. */
  readonly left?: number;
  /** May be negative. Default 0. */
  readonly top?: number;
  /** Value of the rest, by channel, 0–255. Default 0. */
  readonly fill?: readonly number[];
}

/**
 * What happens to a picture's frame, in this order: the box is cut out, resized to `width` × `height`, mirrored, and
 * laid on a canvas. Plain numbers, so that boxes, masks and points can follow the pixels.
 */
export interface Geometry extends Size {
  /** Part of the picture that is kept; may be fractional. */
  readonly box: Box;
  /** Mirrored left to right. Default false. */
  readonly flip?: boolean;
  readonly canvas?: Canvas;
}

/** `bicubic` is Keys' cubic with a = −0.5, `bilinear` the triangle; both are antialiased, as in Pillow. */
export type Filter = 'bicubic' | 'bilinear';

/** What a geometry may be chosen by: the picture's size at this point of the pipeline, and its target. */
export interface Scene<Target = unknown> extends Size {
  readonly target: Target;
}

/**
 * Changes the frame: it only says how, and the pipeline moves pixels and target alike. As the first step it is asked
 * before the picture is decoded, so that no pixel outside its box need be.
 */
export interface GeometryTransform<Target = unknown> {
  /** Default `bicubic`. */
  readonly filter?: Filter;
  /** Whether the geometry depends on the scene alone, so that what comes of a picture may be kept. Default false. */
  readonly fixed?: boolean;
  /** The geometry, or undefined to leave the sample as it is. */
  plan(scene: Scene<Target>, random: Random): Geometry | undefined;
}

/** Memory for `length` float32 values, which the caller writes in full. */
export type AllocateFloats = (length: number) => Float32Array;

/**
 * Changes pixels (colour, noise, normalisation) or the target, but not the frame. Must not write into its input. The last
 * one may put its pixels into memory of `allocate`, which the loader uses again when the batch is done with.
 */
export type SampleTransform<Target = unknown> = (
  sample: Sample<Target>,
  random: Random,
  allocate?: AllocateFloats,
) => Sample<Target>;

/** What a composition is made with. */
export interface CompositionContext<Target = unknown> {
  readonly random: Random;
  /** Share of the training that is done, from 0 to below 1. */
  readonly progress: number;
  /** How targets follow their picture, where they do. */
  readonly handler?: TargetHandler<never, Target> | undefined;
  /**
   * Another sample, drawn by the loader, after the geometries that come first in the pipeline; a broken one is the sample
   * itself.
   *
   * @param index below {@link CompositionTransform.numPartners}
   */
  readonly partner: (index: number) => Promise<Sample<Target>>;
}

/** Makes one sample of several: a mosaic, a picture with objects of another. Must not write into its inputs. */
export interface CompositionTransform<Target = unknown> {
  /** Other samples that it may ask for, at most. */
  readonly numPartners: number;
  compose(sample: Sample<Target>, context: CompositionContext<Target>): Promise<Sample<Target>>;
}

/** One step of a sample pipeline. Its random stream is its own: forked from the sample's by position. */
export type Transform<Target = unknown> =
  SampleTransform<Target> | GeometryTransform<Target> | CompositionTransform<Target>;

/**
 * Makes a transform from options out of a configuration.
 *
 * @throws MaeError `CONFIG_INVALID` for options that make no sense
 */
export type TransformFactory = (options: Readonly<Record<string, unknown>>) => Transform;

/**
 * How one kind of target follows its picture, in the thread that decodes. A target without a handler (a class index)
 * travels unchanged. Arrays in what it returns belong to the sample: they are handed to another thread.
 */
export interface TargetHandler<Source = unknown, Loaded = Source> {
  /** What the item's target points to (an index map's file, encoded masks), read in. Default: the target itself. */
  load?(target: Source, picture: Size & { readonly id: string }): Loaded | Promise<Loaded>;
  /** The target after the frame changed; `before` is the size the geometry was planned for. */
  apply(target: Loaded, geometry: Geometry, before: Size): Loaded;
  /** The target of a picture that is made of others, whose targets these are, each at its place. */
  join?(targets: readonly Loaded[]): Loaded;
}

export type TargetHandlerFactory = (options: Readonly<Record<string, unknown>>) => TargetHandler;
