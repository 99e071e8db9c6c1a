import type { Item, Sample, TransformSpec } from '../contracts/dataset.js';
import type { Random } from '../contracts/random.js';
import type { Box, Geometry, GeometryTransform, TargetHandler, Transform } from '../contracts/transform.js';
import { applyGeometry } from './geometry.js';
import { type DecodeOptions, type OpenedImage, openImage } from './image.js';
import type { Image } from './picture.js';
import { createTargetHandler, createTransform } from './transform-registry.js';

/** How an item becomes a sample, as plain data that crosses to worker threads. */
export interface PipelineSpec {
  readonly decode?: DecodeOptions;
  readonly transforms: readonly TransformSpec[];
  /** How the target is loaded and follows the picture's geometry. Default: it travels unchanged. */
  readonly target?: TransformSpec;
}

export interface PipelineResult {
  readonly sample: Sample;
  /** Something odd about the picture that did not stop it from being used. */
  readonly warning?: string;
}

/** Decodes and transforms one item; the result depends on nothing but the item and the random stream's seed. */
export type Pipeline = (item: Item, random: Random) => Promise<PipelineResult>;

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
  return async (item, random) => {
    const opened = await openImage(item.image, decode);
    const { width, height, warning } = opened;
    const target = await loadTarget(item, opened, handler);
    const streams = transforms.map((_, position) => random.fork('transform', position));
    const [first] = transforms;
    // The first geometry is chosen by the size alone, so that only its box is decoded.
    const startsWithGeometry = first !== undefined && typeof first !== 'function';
    const geometry = startsWithGeometry ? first.plan({ width, height, target }, streams[0]!) : undefined;
    const { image, box } = await readBox(opened, geometry?.box);
    let sample: Sample = {
      id: item.id,
      ...samplePixels(image),
      originalWidth: width,
      originalHeight: height,
      target,
    };
    if (geometry !== undefined && startsWithGeometry) {
      const pixels = samplePixels(
        applyGeometry(image, { ...geometry, box: box ?? geometry.box }, first.filter ?? 'bicubic'),
      );
      sample = { ...sample, ...pixels, target: applyToTarget(target, geometry, opened, handler) };
    }
    for (let position = startsWithGeometry ? 1 : 0; position < transforms.length; position++) {
      sample = applyTransform(transforms[position]!, sample, streams[position]!, handler);
    }
    return warning === undefined ? { sample } : { sample, warning };
  };
}

/** The sample after one transform, its target with it. */
export function applyTransform(transform: Transform, sample: Sample, random: Random, handler?: TargetHandler): Sample {
  return typeof transform === 'function'
    ? transform(sample, random)
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

function applyToTarget(
  target: unknown,
  geometry: Geometry,
  { width, height }: { readonly width: number; readonly height: number },
  handler?: TargetHandler,
): unknown {
  return handler === undefined ? target : handler.apply(target, geometry, { width, height });
}

/** Decodes the whole-pixel bounds of a box, and gives the box in the decoded picture's coordinates. */
async function readBox(opened: OpenedImage, box: Box | undefined): Promise<{ image: Image; box?: Box }> {
  if (box === undefined) return { image: await opened.read() };
  const [left, top] = [Math.floor(box[0]), Math.floor(box[1])];
  const image = await opened.read([left, top, Math.ceil(box[2]), Math.ceil(box[3])]);
  return { image, box: [box[0] - left, box[1] - top, box[2] - left, box[3] - top] };
}
