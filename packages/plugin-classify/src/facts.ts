import { type Dataset, MaeError } from '@mae-tasks/core-mae/task';

/** What the classifier needs to know of its training data. */
export interface ClassifyFacts {
  readonly classNames: readonly string[];
  /** Pictures of each class in the training data. */
  readonly counts: readonly number[];
}

/**
 * The classes of a training set and how many pictures each has.
 *
 * @throws MaeError `DATA_INVALID` where pictures have no classes, or fewer than two
 */
export function examineClasses(data: Dataset): ClassifyFacts {
  const { classNames } = data;
  if (classNames === undefined) {
    throw new MaeError('DATA_INVALID', {
      what: 'the pictures have no classes',
      where: data.name,
      fix: 'sort them into a folder for each class: cats/1.jpg, dogs/2.jpg',
    });
  }
  if (classNames.length < 2) {
    throw new MaeError('DATA_INVALID', {
      what: `there ${classNames.length === 1 ? `is one class (${classNames[0]})` : 'are no classes'}`,
      where: data.name,
      fix: 'a classifier needs at least two class folders with pictures',
    });
  }
  const counts = new Array<number>(classNames.length).fill(0);
  for (let index = 0; index < data.size; index++) counts[labelOf(data, index, classNames.length)]!++;
  return { classNames, counts };
}

/**
 * Checks that other data has the classes of the training, in their order.
 *
 * @throws MaeError `DATA_INVALID` naming a class that was not trained
 */
export function requireSameClasses(data: Dataset, { classNames: trained }: ClassifyFacts): void {
  const { classNames } = data;
  if (classNames === undefined) {
    throw new MaeError('DATA_INVALID', { what: 'the pictures have no classes', where: data.name });
  }
  const known = new Set(trained);
  const unknown = classNames.find((name) => !known.has(name));
  const same = classNames.length === trained.length && classNames.every((name, index) => name === trained[index]);
  if (unknown !== undefined || !same) {
    throw new MaeError('DATA_INVALID', {
      what:
        unknown === undefined
          ? `the data has ${classNames.length} classes, and the model was trained on ${trained.length}`
          : `the class \`${unknown}\` was not in the training data (${trained.slice(0, 10).join(', ')}${trained.length > 10 ? ', …' : ''})`,
      where: data.name,
      fix: 'use the same class folders as in training',
    });
  }
  for (let index = 0; index < data.size; index++) labelOf(data, index, trained.length);
}

function labelOf(data: Dataset, index: number, numClasses: number): number {
  const { id, target } = data.item(index);
  if (typeof target === 'number' && Number.isInteger(target) && target >= 0 && target < numClasses) return target;
  throw new MaeError('DATA_INVALID', {
    what: `the label (=${String(target)}) is not a class index from 0 to ${numClasses - 1}`,
    where: `${data.name}: ${id}`,
  });
}

/**
 * The weight of each class in the loss, or undefined where all count the same. Balanced weights are
 * `pictures / (classes · pictures of the class)`, so that their mean over the training data is 1.
 *
 * @throws MaeError `CONFIG_INVALID` where the number of weights differs from that of the classes
 */
export function classWeightsOf(
  weights: 'balanced' | readonly number[] | null,
  { classNames, counts }: ClassifyFacts,
): readonly number[] | undefined {
  if (weights === null) return undefined;
  if (weights === 'balanced') {
    const total = counts.reduce((sum, count) => sum + count, 0);
    return counts.map((count) => (count === 0 ? 0 : total / (counts.length * count)));
  }
  if (weights.length === classNames.length) return weights;
  throw new MaeError('CONFIG_INVALID', {
    what: `\`classify.classWeights\` has ${weights.length} values for ${classNames.length} classes`,
    fix: `give them in this order: ${classNames.join(', ')}`,
  });
}
