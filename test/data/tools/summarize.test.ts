import { describe, expect, it } from 'vitest';
import { MaeError } from '#core/base/errors.js';
import type { Dataset, Labelling } from '#core/contracts/dataset.js';
import { subset } from '#core/data/readers/split.js';
import { fewPicturesWarning, summarizeData } from '#core/data/tools/summarize.js';

/** A data set whose item `i` has these labels by class. */
function labelled(
  unit: Labelling['unit'],
  counts: ReadonlyArray<Readonly<Record<number, number>> | MaeError>,
  classNames: readonly string[],
): Dataset {
  return {
    name: 'made up',
    layout: 'in memory',
    size: counts.length,
    item: () => {
      throw new Error('no picture is opened');
    },
    classNames,
    labelling: {
      unit,
      countsOf: (index) => {
        const found = counts[index]!;
        if (found instanceof MaeError) throw found;
        return new Map(Object.entries(found).map(([label, count]) => [Number(label), count]));
      },
    },
    warnings: [],
  };
}

describe('summarizeData', () => {
  const objects = labelled('object', [{ 0: 3, 1: 1 }, {}, { 1: 2 }], ['cell', 'platelet', 'other']);

  it('counts labels and pictures of each class, and pictures without any', async () => {
    expect(await summarizeData(objects)).toEqual({
      name: 'made up',
      layout: 'in memory',
      pictures: 3,
      unit: 'object',
      counted: 3,
      unlabelled: 1,
      unusable: 0,
      classes: [
        { name: 'cell', pictures: 1, labels: 3 },
        { name: 'platelet', pictures: 2, labels: 3 },
        { name: 'other', pictures: 0, labels: 0 },
      ],
    });
  });

  it('counts the pictures of a part alone', async () => {
    const { pictures, classes, layout } = await summarizeData(subset(objects, [2]));
    expect([pictures, layout]).toEqual([1, 'in memory']);
    expect(classes.map(({ labels }) => labels)).toEqual([0, 2, 0]);
  });

  it('passes over annotations that cannot be used, and counts them', async () => {
    const broken = labelled('pixel', [{ 0: 10 }, new MaeError('DATA_INVALID', { what: 'a broken map' })], ['ground']);
    expect(await summarizeData(broken)).toMatchObject({ counted: 2, unusable: 1, classes: [{ labels: 10 }] });
  });

  it('opens no more index maps than it may, spread over the data', async () => {
    const maps = labelled(
      'pixel',
      Array.from({ length: 10 }, (_, i) => ({ [i]: 1 })),
      [...'0123456789'],
    );
    const { counted, classes } = await summarizeData(maps, { maxFiles: 5 });
    expect(counted).toBe(5);
    expect(classes.filter(({ labels }) => labels > 0).map(({ name }) => name)).toEqual(['0', '2', '4', '6', '8']);
    expect((await summarizeData(objects, { maxFiles: 1 })).counted).toBe(3);
  });

  it('says how far it is', async () => {
    const many = labelled(
      'picture',
      Array.from({ length: 200 }, () => ({ 0: 1 })),
      ['one'],
    );
    const reported: number[] = [];
    await summarizeData(many, { reportProgress: (done, total) => reported.push(done / total) });
    expect(reported).toEqual([0, 64 / 200, 128 / 200, 192 / 200, 1]);
  });

  it('says of data without labels how many pictures it has', async () => {
    const { labelling: _, ...plain } = objects;
    expect(await summarizeData(plain)).toMatchObject({ pictures: 3, unit: undefined, counted: 0, classes: [] });
  });
});

describe('fewPicturesWarning', () => {
  const of = async (perClass: readonly number[]) => {
    const items = perClass.flatMap((count, label) => Array.from({ length: count }, () => ({ [label]: 1 })));
    return fewPicturesWarning(
      await summarizeData(
        labelled(
          'picture',
          items,
          perClass.map((_, i) => `c${i}`),
        ),
      ),
    );
  };

  it('names classes of fewer than five pictures, the rarest first, and no more than some', async () => {
    expect(await of([5, 6])).toBeUndefined();
    expect(await of([5, 4])).toBe(
      '1 class has fewer than 5 training pictures: c1 (4). Add pictures of it, or leave it out.',
    );
    expect(await of([3, 0, 9, 1])).toContain(
      '3 of 4 classes have fewer than 5 training pictures: c1 (0), c3 (1), c0 (3).',
    );
    expect(await of(new Array<number>(20).fill(1))).toMatch(/c4 \(1\) and 15 more\. Add pictures of them/u);
  });

  it('says nothing where not all pictures were counted', async () => {
    const maps = labelled('pixel', [{ 0: 1 }, { 1: 1 }], ['a', 'b']);
    expect(fewPicturesWarning(await summarizeData(maps, { maxFiles: 1 }))).toBeUndefined();
    expect(fewPicturesWarning(await summarizeData(maps))).toMatch(/2 of 2 classes/u);
  });
});
