import type { Geometry, Size, TargetHandler } from '../contracts/transform.js';
import { MaeError } from '../errors.js';
import { instanceLabels, type InstanceLabelOptions } from './instances/instance-labels.js';
import { checkAnnotatedSize, type InstanceAnnotations } from './instances/instance-target.js';
import { readLabelMap, reduceZeroLabel, type LabelMap } from './label-map.js';
import { nearestLookup } from './nearest-lookup.js';

/** Where a picture's index map lies and how its values are to be read; plain data. */
export interface SemanticAnnotation {
  readonly path: string;
  /** Whether 0 stands for "other" and classes count from 1; see `reduceZeroLabel`. */
  readonly reduceZeroLabel: boolean;
  /** Value of pixels that are not counted. */
  readonly ignoreIndex: number;
  /** Where known, higher values are an error. */
  readonly numClasses?: number;
}

/** A picture's objects, to be drawn as classes; plain data. */
export interface InstancesAsLabels extends Required<InstanceLabelOptions> {
  readonly instances: InstanceAnnotations;
}

/**
 * The classes of a picture's pixels, from an index map or from its objects.
 *
 * @throws MaeError as `loadLabels` and `instanceLabels`
 */
export function loadSemanticTarget(
  target: SemanticAnnotation | InstancesAsLabels,
  picture: Size & { readonly id: string },
): LabelMap {
  if (!('instances' in target)) return loadLabels(target, picture);
  checkAnnotatedSize(target.instances, picture);
  return instanceLabels(target.instances, picture, target);
}

/**
 * The classes of a picture's pixels.
 *
 * @throws MaeError `IMAGE_INVALID` for a broken map or one of another size than the picture, `DATA_INVALID` for a value
 * that is no class; each names the map.
 */
export function loadLabels(annotation: SemanticAnnotation, picture: Size & { readonly id: string }): LabelMap {
  const map = readLabelMap(annotation.path);
  if (map.width !== picture.width || map.height !== picture.height) {
    throw new MaeError('IMAGE_INVALID', {
      what: `the index map is ${map.width} × ${map.height}, its picture ${picture.id} ${picture.width} × ${picture.height}`,
      where: annotation.path,
      fix: 'both must have the same size',
    });
  }
  const labels = annotation.reduceZeroLabel ? reduceZeroLabel(map.labels, annotation.ignoreIndex) : map.labels;
  checkLabels(labels, annotation);
  return { ...map, labels };
}

function checkLabels(
  labels: ArrayLike<number>,
  { numClasses, ignoreIndex, reduceZeroLabel: reduced, path }: SemanticAnnotation,
): void {
  if (numClasses === undefined) return;
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i]!;
    if (label < numClasses || label === ignoreIndex) continue;
    throw new MaeError('DATA_INVALID', {
      what: `it holds ${reduced ? label + 1 : label}, which is no class (${numClasses} classes, reduceZeroLabel ${reduced})`,
      where: path,
      fix: 'correct the map, the number of classes or `reduceZeroLabel`',
    });
  }
}

/** How index maps follow their pictures: by the nearest pixel; what comes from outside the picture is ignored. */
export function semanticHandler(ignoreIndex = 255): TargetHandler<SemanticAnnotation | InstancesAsLabels, LabelMap> {
  return {
    load: loadSemanticTarget,
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
