/*
 * data/targets/: what is to be learned of a picture, and how it follows the picture's crop, size and flip: label maps
 * (this file), objects with boxes and masks, how a batch of them is laid out, mean IoU.
 * Not here: the files that targets are read from: `data/readers`, `data/coco`.
 * Called by: `data/transforms`, the readers, and the plugins.
 */

import type { Geometry, Size, TargetHandler } from '../../contracts/transform.js';
import { MaeError } from '../../base/errors.js';
import { instanceLabels, type InstanceLabelOptions } from './instance-labels.js';
import { checkAnnotatedSize, type InstanceAnnotations } from './instance-target.js';
import { readLabelMap, type LabelMap } from './label-map.js';
import { classesOfValues, type LabelValues } from './label-values.js';
import { nearestLookup } from '../images/resampling/nearest-lookup.js';

/** Where a picture's index map lies and how its values are to be read; plain data. */
export interface SemanticAnnotation extends LabelValues {
  readonly path: string;
}

/** A picture's objects, to be drawn as classes; plain data. */
export interface InstancesAsLabels extends Required<InstanceLabelOptions> {
  readonly instances: InstanceAnnotations;
}

/** What the classes of a picture's pixels can be taken from: an index map's file, objects, or the classes themselves. */
export type SemanticSource = SemanticAnnotation | InstancesAsLabels | InstanceAnnotations | LabelMap;

export interface SemanticTargetOptions extends Required<InstanceLabelOptions> {
  /** Where known, higher values are an error. */
  readonly numClasses?: number | undefined;
}

/**
 * The classes of a picture's pixels. Objects that do not say how they are to be drawn are drawn as the options say.
 *
 * @throws MaeError `DATA_INVALID` for a picture without any of it; as `loadLabels` and `instanceLabels`
 */
export function loadSemanticTarget(
  target: SemanticSource | undefined,
  picture: Size & { readonly id: string },
  options: SemanticTargetOptions = { background: 'class', ignoreIndex: 255 },
): LabelMap {
  if (typeof target !== 'object') {
    throw new MaeError('DATA_INVALID', {
      what: 'the picture has no index map and no objects',
      where: picture.id,
      fix: 'add an index map beside it (ADE20K) or objects with masks (COCO)',
    });
  }
  const labels = labelsOf(target, picture, options);
  checkClasses(labels, picture.id, options);
  return labels;
}

function labelsOf(
  target: SemanticSource,
  picture: Size & { readonly id: string },
  options: SemanticTargetOptions,
): LabelMap {
  if ('path' in target) return loadLabels(target, picture, options.ignoreIndex);
  if ('labels' in target) {
    requireSameSize(target, picture, picture.id);
    return target;
  }
  const { instances, ...drawn } = 'instances' in target ? target : { ...options, instances: target };
  checkAnnotatedSize(instances, picture);
  return instanceLabels(instances, picture, drawn);
}

function checkClasses({ labels }: LabelMap, picture: string, { numClasses, ignoreIndex }: SemanticTargetOptions): void {
  if (numClasses === undefined) return;
  const bad = labels.find((label) => label >= numClasses && label !== ignoreIndex);
  if (bad === undefined) return;
  throw new MaeError('DATA_INVALID', {
    what: `a pixel's class is ${bad}, but there are ${numClasses} classes`,
    where: picture,
    fix: `values are 0 … ${numClasses - 1}, or ${ignoreIndex} to be ignored`,
  });
}

function requireSameSize(map: Size, picture: Size & { readonly id: string }, where: string): void {
  if (map.width === picture.width && map.height === picture.height) return;
  throw new MaeError('IMAGE_INVALID', {
    what: `the index map is ${map.width} × ${map.height}, its picture ${picture.id} ${picture.width} × ${picture.height}`,
    where,
    fix: 'both must have the same size',
  });
}

/**
 * The classes of a picture's pixels.
 *
 * @param ignored what stands for pixels that are not counted; default the annotation's own value
 * @throws MaeError `IMAGE_INVALID` for a broken map or one of another size than the picture, `DATA_INVALID` for a value
 * that is no class; each names the map.
 */
export function loadLabels(
  annotation: SemanticAnnotation,
  picture: Size & { readonly id: string },
  ignored = annotation.ignoreIndex,
): LabelMap {
  const map = readLabelMap(annotation.path);
  requireSameSize(map, picture, annotation.path);
  return { ...map, labels: classesOfValues(map.labels, annotation, ignored, annotation.path) };
}

/** How index maps follow their pictures: by the nearest pixel; what comes from outside the picture is ignored. */
export function semanticHandler({
  background = 'class',
  ignoreIndex = 255,
  numClasses,
}: Partial<SemanticTargetOptions> = {}): TargetHandler<SemanticSource, LabelMap> {
  return {
    load: (target, picture) => loadSemanticTarget(target, picture, { background, ignoreIndex, numClasses }),
    apply: (map, geometry, before) => transformLabels(map, geometry, before, ignoreIndex),
  };
}

/** The map after the geometry. */
export function transformLabels(map: LabelMap, geometry: Geometry, before: Size, ignoreIndex: number): LabelMap {
  const { width, height, columns, rows } = nearestLookup(geometry, before);
  const labels =
    map.labels instanceof Uint8Array && ignoreIndex < 256
      ? new Uint8Array(width * height)
      : new Uint16Array(width * height);
  labels.fill(ignoreIndex);
  for (let y = 0; y < height; y++) {
    const row = rows[y]!;
    if (row < 0) continue;
    for (let x = 0; x < width; x++) {
      const column = columns[x]!;
      if (column >= 0) labels[y * width + x] = map.labels[row * map.width + column]!;
    }
  }
  return { width, height, labels };
}
