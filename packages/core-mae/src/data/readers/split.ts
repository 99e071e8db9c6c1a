import type { Dataset, Labelling } from '../../contracts/dataset.js';
import type { Random } from '../../contracts/random.js';
import { MaeError } from '../../base/errors.js';

/** The items of a data set at these indices, in this order. */
export function subset<Target>(dataset: Dataset<Target>, indices: ArrayLike<number>): Dataset<Target> {
  return {
    name: dataset.name,
    size: indices.length,
    item: (index) => dataset.item(indices[index]!),
    ...(dataset.classNames === undefined ? {} : { classNames: dataset.classNames }),
    ...(dataset.classIds === undefined ? {} : { classIds: dataset.classIds }),
    ...(dataset.layout === undefined ? {} : { layout: dataset.layout }),
    ...(dataset.labelling === undefined ? {} : { labelling: labellingOf(dataset.labelling, indices) }),
    ...(dataset.missing === undefined ? {} : { missing: dataset.missing }),
    warnings: dataset.warnings,
  };
}

function labellingOf({ unit, countsOf }: Labelling, indices: ArrayLike<number>): Labelling {
  return { unit, countsOf: (index) => countsOf(indices[index]!) };
}

/** At most `count` items, chosen at random by the seed, in the data set's order. */
export function takeSample<Target>(dataset: Dataset<Target>, count: number, random: Random): Dataset<Target> {
  if (count >= dataset.size) return dataset;
  return subset(dataset, random.fork('sample').permutation(dataset.size).subarray(0, count).sort());
}

/**
 * At most `count` items of each class, chosen at random by the seed, in the data set's order.
 *
 * @throws MaeError `DATA_INVALID` where items have no class
 */
export function takeSamplePerClass<Target>(dataset: Dataset<Target>, count: number, random: Random): Dataset<Target> {
  const taken = new Map<unknown, number>();
  const chosen = [...random.fork('sample').permutation(dataset.size)].filter((index) => {
    const { id, target } = dataset.item(index);
    if (typeof target !== 'number') {
      throw new MaeError('DATA_INVALID', {
        what: 'pictures cannot be counted by class: this one has none',
        where: `${dataset.name}: ${id}`,
        fix: 'use `data.limit` instead of `data.limitPerClass`',
      });
    }
    const before = taken.get(target) ?? 0;
    taken.set(target, before + 1);
    return before < count;
  });
  return subset(
    dataset,
    chosen.sort((a, b) => a - b),
  );
}

/**
 * The data set with one of `folds` parts of equal size held out (the first parts take what is left over); every item is
 * in exactly one part, and which depends on the seed and the data set's size alone.
 *
 * @param fold counted from 0
 * @throws MaeError `CONFIG_INVALID` where there is no such part, or fewer items than parts
 */
export function splitFold<Target>(
  dataset: Dataset<Target>,
  folds: number,
  fold: number,
  random: Random,
): HeldOutSplit<Target> {
  if (fold >= folds || folds > dataset.size) {
    throw new MaeError('CONFIG_INVALID', {
      what: `\`data.fold\` (=${fold}) of \`data.folds\` (=${folds}) is no part of ${dataset.size} items`,
      where: dataset.name,
    });
  }
  const order = random.fork('folds').permutation(dataset.size);
  const isHeldOut = (_: number, place: number): boolean => place % folds === fold;
  return {
    train: subset(dataset, order.filter((item, place) => !isHeldOut(item, place)).sort()),
    heldOut: subset(dataset, order.filter(isHeldOut).sort()),
  };
}

/** The items of these names held out, in the data set's order; undefined where no names are given or none is there. */
export function splitByNames<Target>(
  dataset: Dataset<Target>,
  names: readonly string[] | undefined,
): HeldOutSplit<Target> | undefined {
  if (names === undefined) return undefined;
  const wanted = new Set(names);
  const indices = Array.from({ length: dataset.size }, (_, index) => index);
  const isHeldOut = (index: number): boolean => wanted.has(dataset.item(index).id);
  const heldOut = indices.filter(isHeldOut);
  if (heldOut.length === 0) return undefined;
  return {
    train: subset(
      dataset,
      indices.filter((index) => !isHeldOut(index)),
    ),
    heldOut: subset(dataset, heldOut),
  };
}

export interface HeldOutSplit<Target> {
  readonly train: Dataset<Target>;
  readonly heldOut: Dataset<Target>;
}

/**
 * The data set in two parts without overlap, each in the data set's order: which items are held out depends on the seed
 * and the data set's size alone. `fraction` is rounded to whole items, at least one.
 *
 * @param fraction share that is held out, 0 < fraction < 1
 * @throws MaeError `CONFIG_INVALID` where a part would be empty
 */
export function splitDataset<Target>(dataset: Dataset<Target>, fraction: number, random: Random): HeldOutSplit<Target> {
  const numHeldOut = Math.max(1, Math.round(dataset.size * fraction));
  if (!(fraction > 0 && fraction < 1 && numHeldOut < dataset.size)) {
    throw new MaeError('CONFIG_INVALID', {
      what: `a fraction (=${fraction}) of ${dataset.size} items cannot be held out`,
      where: dataset.name,
      fix: 'give a share between 0 and 1 that leaves items on both sides',
    });
  }
  const order = random.fork('split').permutation(dataset.size);
  return {
    train: subset(dataset, order.slice(numHeldOut).sort()),
    heldOut: subset(dataset, order.slice(0, numHeldOut).sort()),
  };
}
