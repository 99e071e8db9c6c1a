import { type Dataset, type InstanceAnnotations, isInstances, MaeError } from '@mae-tasks/core-mae/task';
import type { DetectSettings } from './settings.js';

/** What the detector needs to know of its training data. */
export interface DetectFacts {
  /** By class index. */
  readonly classNames: readonly string[];
  /** COCO's category ids by class index, ascending; 1, 2, … where the data has none. */
  readonly categoryIds: readonly number[];
  /** Whether an object has a mask; absent in checkpoints of earlier versions, whose settings say what they predict. */
  readonly hasMasks?: boolean;
}

/** Whether a detector of these settings and this data predicts masks. */
export function predictsMasks({ masks }: Pick<DetectSettings, 'masks'>, { hasMasks = true }: DetectFacts): boolean {
  return masks ?? hasMasks;
}

/**
 * The classes of a training set with objects.
 *
 * @throws MaeError `DATA_INVALID` where there is nothing to learn from: no classes, no objects, no masks although they
 * are wanted
 */
export function examineObjects(data: Dataset, { masks, classes }: DetectSettings): DetectFacts {
  const classNames = data.classNames ?? [];
  if (classNames.length === 0) throw withoutObjects(data, 'the pictures have no classes');
  let numObjects = 0;
  let hasMasks = false;
  for (let index = 0; index < data.size; index++) {
    const target = instancesOf(data, index);
    for (let i = 0; i < target.ids.length; i++) {
      if (target.crowds[i] === 1) continue;
      numObjects++;
      hasMasks ||= target.masks[i] !== undefined;
      // One with a mask tells all; where none is wanted, one tells enough.
      if (hasMasks || masks === false) return factsOf(data, { classNames, hasMasks, wanted: classes });
    }
  }
  if (numObjects === 0) throw withoutObjects(data, 'no picture has an object');
  if (masks === null) return factsOf(data, { classNames, hasMasks, wanted: classes });
  throw new MaeError('DATA_INVALID', {
    what: `none of the ${numObjects} objects has a mask`,
    where: data.name,
    fix: 'train for boxes alone: leave `detect.masks` away, or --masks off',
  });
}

function factsOf(
  data: Dataset,
  found: {
    readonly classNames: readonly string[];
    readonly hasMasks: boolean;
    readonly wanted: DetectSettings['classes'];
  },
): DetectFacts {
  const { classNames, hasMasks, wanted } = found;
  const categoryIds = data.classIds ?? classNames.map((_, index) => index + 1);
  requireKnownClasses(wanted, classNames);
  return { classNames: [...classNames], categoryIds: [...categoryIds], hasMasks };
}

/** The wanted classes' indices; all where none are named. @throws MaeError `CONFIG_INVALID` for an unknown one */
export function requireKnownClasses(wanted: DetectSettings['classes'], classNames: readonly string[]): number[] {
  if (wanted === null) return [...classNames.keys()];
  const known = new Set(classNames);
  const unknown = wanted.find((name) => !known.has(name));
  const names = new Set(wanted);
  if (unknown === undefined) return [...classNames.keys()].filter((index) => names.has(classNames[index]!));
  throw new MaeError('CONFIG_INVALID', {
    what: `\`detect.classes\` names "${unknown}", which is no class of the detector`,
    fix: `its classes are ${listed(classNames)}`,
  });
}

/**
 * Checks that other data has the classes of the training, in their order.
 *
 * @throws MaeError `DATA_INVALID` naming the first difference
 */
export function requireSameObjects(data: Dataset, { classNames: trained }: DetectFacts): void {
  const { classNames } = data;
  if (classNames === undefined) throw withoutObjects(data, 'the pictures have no classes');
  const place = trained.findIndex((name, index) => name !== classNames[index]);
  if (place >= 0 || classNames.length !== trained.length) {
    throw new MaeError('DATA_INVALID', {
      what:
        place < 0 || place >= classNames.length
          ? `the data has ${classNames.length} classes, and the detector was trained on ${trained.length}`
          : `class ${place + 1} is "${classNames[place]!}", and was "${trained[place]!}" in training`,
      where: data.name,
      fix: `use data of the same classes: ${listed(trained)}`,
    });
  }
  for (let index = 0; index < data.size; index++) instancesOf(data, index);
}

function instancesOf(data: Dataset, index: number): InstanceAnnotations {
  const { id, target } = data.item(index);
  if (!isInstances(target)) throw withoutObjects(data, `the picture ${id} has no annotated objects`);
  const numClasses = data.classNames?.length ?? 0;
  const strange = target.classes.find((label) => !(Number.isInteger(label) && label >= 0 && label < numClasses));
  if (strange === undefined) return target;
  throw new MaeError('DATA_INVALID', {
    what: `the class (=${strange}) of an object is not an index from 0 to ${numClasses - 1}`,
    where: `${data.name}: ${id}`,
  });
}

function withoutObjects(data: Dataset, what: string): MaeError {
  return new MaeError('DATA_INVALID', {
    what,
    where: data.name,
    fix: 'detection needs boxes: a COCO data set (convert others by `mae-tasks data convert`)',
  });
}

function listed(names: readonly string[]): string {
  return `${names.slice(0, 10).join(', ')}${names.length > 10 ? ', …' : ''}`;
}
