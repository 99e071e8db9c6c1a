/*
 * data/transforms/: how an item becomes a sample: a pipeline (this file) of registered transforms, each given as plain
 * data, with a random stream of its own for each sample.
 * Not here: threads and batches: `data/loading`. Transforms of one task alone live in its plugin.
 * Called by: `data/loading`, in this thread or in workers, and tests.
 */

import type { Item, Sample, TransformSpec } from '../../contracts/dataset.js';
import type { Random } from '../../contracts/random.js';
import type {
  AllocateFloats,
  Box,
  CompositionTransform,
  Filter,
  Geometry,
  GeometryTransform,
  Scene,
  Size,
  TargetHandler,
  Transform,
} from '../../contracts/transform.js';
import { applyGeometry, outputSize } from '../images/resampling/geometry.js';
import { type DecodeOptions, type OpenedImage, openImage } from '../images/image.js';
import { type Image, ownPixels } from '../images/picture.js';
import { keepingSamples } from './kept-samples.js';
import { createTargetHandler, createTransform } from './registry.js';

/** How an item becomes a sample, as plain data that crosses to worker threads. */
export interface PipelineSpec {
  readonly decode?: DecodeOptions;
  readonly transforms: readonly TransformSpec[];
  /** How the target is loaded and follows the picture's geometry. Default: it travels unchanged. */
  readonly target?: TransformSpec;
}

export interface PipelineResult {
  readonly sample: Sample;
  /** What is odd about the picture and did not stop it from being used. */
  readonly warnings?: readonly string[];
}

/** What an item is made a sample with. */
export interface PipelineContext {
  /** For float pixels. */
  readonly allocate?: AllocateFloats | undefined;
  /** Other items, as many as {@link Pipeline.numPartners}, for compositions. */
  readonly partners?: readonly Item[] | undefined;
  /** Share of the training that is done. Default 0. */
  readonly progress?: number | undefined;
}

/**
 * Decodes and transforms one item; the result depends on nothing but the item, its partners, the progress and the random
 * stream's seed.
 */
export interface Pipeline {
  (item: Item, random: Random, context?: PipelineContext): Promise<PipelineResult>;
  /** Other items that compositions may ask for. */
  readonly numPartners: number;
}

/** The pipeline of a spec. @throws MaeError `CONFIG_INVALID` or `PLUGIN_INVALID`, naming the transform */
export async function createPipeline(spec: PipelineSpec): Promise<Pipeline> {
  const transforms: Transform[] = [];
  for (const transform of spec.transforms) transforms.push(await createTransform(transform));
  const handler = spec.target === undefined ? undefined : await createTargetHandler(spec.target);
  return composePipeline(transforms, spec.decode ?? {}, handler);
}

/** A pipeline of transforms that exist already; for use in this thread. */
export function composePipeline(
  transforms: readonly Transform[],
  decode: DecodeOptions = {},
  handler?: TargetHandler,
): Pipeline {
  const numLeading = transforms.findIndex((transform) => !isGeometry(transform));
  const leading = (numLeading < 0 ? transforms : transforms.slice(0, numLeading)) as readonly GeometryTransform[];
  const firstPartners = firstPartnersOf(transforms);
  const numPartners = firstPartners.at(-1)!;
  const start = async (item: Item, random: Random): Promise<PipelineResult> => {
    const opened = await openImage(item.image, decode);
    const { width, height } = opened;
    const warnings = warningsOf(opened);
    const loaded = await loadTarget(item, opened, handler);
    // Geometries that come first are chosen by the size alone, so that only the box that they keep is decoded.
    const { steps, target } = planGeometries(leading, { width, height, target: loaded }, random, handler);
    const image = await readSteps(opened, steps);
    const sample = { id: item.id, ...samplePixels(image), originalWidth: width, originalHeight: height, target };
    return warnings.length === 0 ? { sample } : { sample, warnings };
  };
  // Every picture is wanted several times in an epoch, and comes out the same every time.
  const begin = numPartners > 0 && leading.every(({ fixed }) => fixed === true) ? keepingSamples(start) : start;
  const run = async (item: Item, random: Random, context: PipelineContext = {}): Promise<PipelineResult> => {
    const { allocate, partners = [], progress = 0 } = context;
    const { sample: first, warnings } = await begin(item, random);
    let sample = first;
    for (let position = leading.length; position < transforms.length; position++) {
      const transform = transforms[position]!;
      const stream = streamOf(random, position);
      if (!isComposition(transform)) sample = applyTransform(transform, sample, stream, handler, allocate);
      else {
        const partner = async (index: number): Promise<Sample> => {
          const number = firstPartners[position]! + index;
          const other = partners[number];
          if (other === undefined) return first;
          // A broken picture is reported when its own turn comes.
          return begin(other, random.fork('partner', number)).then(
            (result) => result.sample,
            () => first,
          );
        };
        sample = await transform.compose(sample, { random: stream, progress, handler, partner });
      }
    }
    return warnings === undefined ? { sample } : { sample, warnings };
  };
  return Object.assign(run, { numPartners });
}

function warningsOf({ warning, notes = [] }: OpenedImage): string[] {
  return [...(warning === undefined ? [] : [warning]), ...notes.map((note) => `there are ${note}`)];
}

function isComposition(transform: Transform): transform is CompositionTransform {
  return 'compose' in transform;
}

function isGeometry(transform: Transform): transform is GeometryTransform {
  return 'plan' in transform;
}

/** For each transform the number of the first partner that is its own, and last how many there are. */
function firstPartnersOf(transforms: readonly Transform[]): number[] {
  const numbers = [0];
  for (const transform of transforms) {
    numbers.push(numbers.at(-1)! + (isComposition(transform) ? transform.numPartners : 0));
  }
  return numbers;
}

function streamOf(random: Random, position: number): Random {
  return random.fork('transform', position);
}

interface GeometryStep {
  readonly geometry: Geometry;
  readonly filter: Filter;
}

/** What the transforms do to a picture, one after the other, and the target after it. */
function planGeometries(
  transforms: readonly GeometryTransform[],
  scene: Scene,
  random: Random,
  handler: TargetHandler | undefined,
): { readonly steps: readonly GeometryStep[]; readonly target: unknown } {
  const steps: GeometryStep[] = [];
  let { target } = scene;
  let size: Size = scene;
  for (const [position, transform] of transforms.entries()) {
    const { width, height } = size;
    const geometry = transform.plan({ width, height, target }, streamOf(random, position));
    if (geometry === undefined) continue;
    target = applyToTarget(target, geometry, size, handler);
    const previous = steps.at(-1);
    if (previous?.geometry.canvas === undefined && previous !== undefined && isFlip(geometry, size)) {
      // Mirroring costs nothing while resizing.
      const flip = previous.geometry.flip !== true;
      steps[steps.length - 1] = { ...previous, geometry: { ...previous.geometry, flip } };
    } else {
      steps.push({ geometry, filter: transform.filter ?? 'bicubic' });
    }
    size = outputSize(geometry);
  }
  return { steps, target };
}

/** Whether a geometry mirrors a picture of this size and does nothing else. */
function isFlip({ box, width, height, flip, canvas }: Geometry, size: Size): boolean {
  const isWhole = box[0] === 0 && box[1] === 0 && box[2] === size.width && box[3] === size.height;
  return isWhole && width === size.width && height === size.height && flip === true && canvas === undefined;
}

/** The picture after the steps; of what the first one leaves out, as little as possible is decoded. */
async function readSteps(opened: OpenedImage, steps: readonly GeometryStep[]): Promise<Image> {
  const [first, ...others] = steps;
  if (first === undefined) return opened.read();
  const { box } = first.geometry;
  const [left, top] = [Math.floor(box[0]), Math.floor(box[1])];
  const within: Box = [box[0] - left, box[1] - top, box[2] - left, box[3] - top];
  const image = await opened.withPixels([left, top, Math.ceil(box[2]), Math.ceil(box[3])], (decoded, [x, y]) => {
    const kept: Box = [x + within[0], y + within[1], x + within[2], y + within[3]];
    return ownPixels(applyGeometry(decoded, { ...first.geometry, box: kept }, first.filter));
  });
  return others.reduce((current, { geometry, filter }) => applyGeometry(current, geometry, filter), image);
}

/** The sample after one transform, its target with it. */
export function applyTransform(
  transform: Exclude<Transform, CompositionTransform>,
  sample: Sample,
  random: Random,
  handler?: TargetHandler,
  allocate?: AllocateFloats,
): Sample {
  return typeof transform === 'function'
    ? transform(sample, random, allocate)
    : applyGeometryTransform(transform, sample, random, handler);
}

function applyGeometryTransform(
  transform: GeometryTransform,
  sample: Sample,
  random: Random,
  handler: TargetHandler | undefined,
): Sample {
  const { width, height, channels, target, pixels } = sample;
  const geometry = transform.plan({ width, height, target }, random);
  if (geometry === undefined) return sample;
  if (pixels instanceof Float32Array) {
    throw new TypeError(
      'A transform of the frame follows one that made the pixels floating-point: put `normalize` last.',
    );
  }
  const image = applyGeometry({ data: pixels, width, height, channels }, geometry, transform.filter ?? 'bicubic');
  return { ...sample, ...samplePixels(image), target: applyToTarget(target, geometry, sample, handler) };
}

function samplePixels({
  data,
  width,
  height,
  channels,
}: Image): Pick<Sample, 'pixels' | 'width' | 'height' | 'channels'> {
  return { pixels: data, width, height, channels };
}

function loadTarget(item: Item, { width, height }: OpenedImage, handler: TargetHandler | undefined): unknown {
  return handler?.load === undefined ? item.target : handler.load(item.target, { width, height, id: item.id });
}

function applyToTarget(target: unknown, geometry: Geometry, { width, height }: Size, handler?: TargetHandler): unknown {
  return handler === undefined ? target : handler.apply(target, geometry, { width, height });
}
