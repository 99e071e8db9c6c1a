import { z } from 'zod';
import type { TransformSpec } from '../../contracts/dataset.js';
import type { TargetHandler, TargetHandlerFactory, Transform, TransformFactory } from '../../contracts/transform.js';
import { MaeError, messageOf } from '../../base/errors.js';
import { checkSettings } from '../../base/check-settings.js';
import { rangeSetting } from '../../base/setting-values.js';
import { instanceHandler } from '../targets/instance-geometry.js';
import { copyPaste } from './copy-paste.js';
import { mosaic } from './mosaic.js';
import { photometricDistortion } from './photometric-distortion.js';
import { randomAffine } from './random-affine.js';
import { resizeAndPad, resizeEdges, resizeLongerSide, resizeToFit, scaleJitter } from './scale-jitter.js';
import { semanticCrop } from './semantic-crop.js';
import { semanticHandler } from '../targets/semantic-target.js';
import {
  centerCrop,
  horizontalFlip,
  normalize,
  randomResizedCrop,
  resizeShorterSide,
  resizeTo,
} from './picture-transforms.js';

const pixels = z.int().min(1);
const targetSize = z.union([pixels, z.tuple([pixels, pixels])]);
const filter = z.enum(['bicubic', 'bilinear']).default('bicubic');
const ordered = (low: number, high: number) => rangeSetting.default([low, high]);

const bilinearFirst = z.enum(['bicubic', 'bilinear']).default('bilinear');
const share = (usual: number) => z.number().min(0).max(1).default(usual);
const fill = z.array(z.number().min(0).max(255)).min(1).default([128, 128, 128]);

/** The transforms that core brings, by the name that a `TransformSpec` gives. */
const builtInTransforms: Readonly<Record<string, TransformFactory>> = {
  randomResizedCrop: checked(
    'randomResizedCrop',
    z.strictObject({ size: targetSize, scale: ordered(0.2, 1), ratio: ordered(3 / 4, 4 / 3), filter }),
    randomResizedCrop,
  ),
  horizontalFlip: checked(
    'horizontalFlip',
    z.strictObject({ probability: z.number().min(0).max(1).default(0.5) }),
    horizontalFlip,
  ),
  resizeShorterSide: checked('resizeShorterSide', z.strictObject({ size: pixels, filter }), resizeShorterSide),
  resizeEdges: checked(
    'resizeEdges',
    z.strictObject({
      shorter: z.union([pixels, z.array(pixels).min(1)]),
      longest: pixels.default(Number.MAX_SAFE_INTEGER),
      filter: bilinearFirst,
    }),
    resizeEdges,
  ),
  resizeLongerSide: checked(
    'resizeLongerSide',
    z.strictObject({ size: pixels, filter: bilinearFirst }),
    resizeLongerSide,
  ),
  resizeAndPad: checked(
    'resizeAndPad',
    z.strictObject({ size: targetSize, fill, filter: bilinearFirst }),
    resizeAndPad,
  ),
  resizeToFit: checked('resizeToFit', z.strictObject({ size: targetSize, filter: bilinearFirst }), resizeToFit),
  scaleJitter: checked(
    'scaleJitter',
    z.strictObject({
      size: targetSize,
      scale: ordered(0.1, 2),
      fill,
      pad: z.boolean().default(true),
      filter: bilinearFirst,
    }),
    scaleJitter,
  ),
  semanticCrop: checked(
    'semanticCrop',
    z.strictObject({
      size: targetSize,
      shorter: pixels.optional(),
      longest: pixels.optional(),
      scale: ordered(0.5, 2),
      catMaxRatio: z.number().gt(0).max(1).default(1),
      ignoreIndex: z.int().min(0).max(65_535).default(255),
      fill,
      filter: bilinearFirst,
    }),
    (options) => semanticCrop(options) as Transform,
  ),
  photometricDistortion: checked(
    'photometricDistortion',
    z.strictObject({
      brightness: z.number().min(0).max(255).default(32),
      contrast: ordered(0.5, 1.5),
      saturation: ordered(0.5, 1.5),
      hue: z.number().min(0).max(180).default(36),
      probability: z.number().min(0).max(1).default(0.5),
    }),
    photometricDistortion,
  ),
  randomAffine: checked(
    'randomAffine',
    z.strictObject({
      size: targetSize,
      scale: ordered(0.5, 1.5),
      translate: z.number().min(0).max(0.5).default(0.1),
      fill,
      filter: bilinearFirst,
    }),
    randomAffine,
  ),
  mosaic: checked('mosaic', z.strictObject({ size: targetSize, probability: share(1), until: share(1), fill }), mosaic),
  copyPaste: checked(
    'copyPaste',
    z.strictObject({ probability: share(0.5), share: share(0.5), until: share(1), minVisible: share(0.3) }),
    (options) => copyPaste(options) as Transform,
  ),
  resizeTo: checked('resizeTo', z.strictObject({ size: targetSize, filter }), resizeTo),
  centerCrop: checked('centerCrop', z.strictObject({ size: targetSize }), centerCrop),
  normalize: checked(
    'normalize',
    z.strictObject({
      mean: z.array(z.number()).min(1).optional(),
      std: z.array(z.number().gt(0)).min(1).optional(),
    }),
    ({ mean, std }) => normalize({ ...(mean === undefined ? {} : { mean }), ...(std === undefined ? {} : { std }) }),
  ),
};

/** The target handlers that core brings, by name. */
const builtInTargetHandlers: Readonly<Record<string, TargetHandlerFactory>> = {
  instances: checked(
    'instances',
    z.strictObject({ minVisible: share(0) }),
    (options) => instanceHandler(options) as TargetHandler,
  ),
  semantic: checked(
    'semantic',
    z.strictObject({
      background: z.enum(['class', 'ignore']).default('class'),
      ignoreIndex: z.int().min(0).max(65_535).default(255),
      numClasses: z.int().min(1).optional(),
    }),
    (options) => semanticHandler(options) as TargetHandler,
  ),
};

/**
 * A factory whose options are checked against a schema first.
 *
 * @throws MaeError `CONFIG_INVALID` naming the transform and the option
 */
export function checked<Options, Made>(
  name: string,
  schema: z.ZodType<Options>,
  create: (options: Options) => Made,
): (options: Readonly<Record<string, unknown>>) => Made {
  return (options) => create(checkSettings(schema, options, `transform ${name}`));
}

/**
 * The transform that a spec names.
 *
 * @throws MaeError `CONFIG_INVALID` for an unknown name or options that make no sense, `PLUGIN_INVALID` for a module
 * that does not load or has no such export
 */
export async function createTransform(spec: TransformSpec): Promise<Transform> {
  const factory = await findFactory<TransformFactory>(spec, builtInTransforms, 'transform');
  return factory(spec.options ?? {});
}

/** The target handler that a spec names. @throws MaeError as `createTransform` */
export async function createTargetHandler(spec: TransformSpec): Promise<TargetHandler> {
  const factory = await findFactory<TargetHandlerFactory>(spec, builtInTargetHandlers, 'target handler');
  return factory(spec.options ?? {});
}

async function findFactory<Factory>(
  { name, module }: TransformSpec,
  builtIn: Readonly<Record<string, Factory>>,
  kind: string,
): Promise<Factory> {
  if (module !== undefined) return importFactory<Factory>(name, module, kind);
  const factory = Object.hasOwn(builtIn, name) ? builtIn[name] : undefined;
  if (factory !== undefined) return factory;
  throw new MaeError('CONFIG_INVALID', {
    what: `there is no ${kind} \`${name}\``,
    fix: `use one of ${Object.keys(builtIn).join(', ')}, or name the \`module\` that has it`,
  });
}

async function importFactory<Factory>(name: string, module: string, kind: string): Promise<Factory> {
  if (!module.startsWith('file:')) {
    throw new MaeError('PLUGIN_INVALID', {
      what: `\`module\` (=${module}) of the ${kind} \`${name}\` is not a file: URL`,
      fix: "give `import.meta.resolve('./your-module.js')`",
    });
  }
  let exports: Record<string, unknown>;
  try {
    exports = (await import(module)) as Record<string, unknown>;
  } catch (cause) {
    throw new MaeError('PLUGIN_INVALID', {
      what: `the module of the ${kind} \`${name}\` does not load (${messageOf(cause)})`,
      where: module,
      fix: 'worker threads load it by itself: it must be plain JavaScript with its own imports',
      cause,
    });
  }
  const factory = exports[name];
  if (typeof factory === 'function') return factory as Factory;
  throw new MaeError('PLUGIN_INVALID', { what: `the module exports no function \`${name}\``, where: module });
}
