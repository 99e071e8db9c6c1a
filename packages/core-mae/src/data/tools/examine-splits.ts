import type { ReportFault } from '../../contracts/data-fault.js';
import type { Dataset } from '../../contracts/dataset.js';

/** Looks at what the splits of a data set must have in common, the one to train on first, and what they may not. */
export function examineSplits(splits: readonly Dataset[], report: ReportFault): void {
  const [first, ...others] = splits;
  if (first === undefined) return;
  for (const other of others) {
    if (first.classNames === undefined || other.classNames === undefined) continue;
    if (classesOf(other) === classesOf(first)) continue;
    report({
      severity: 'error',
      code: 'categories-differ',
      file: other.name,
      subject: 'the split',
      problem: `has other classes than ${first.name}${firstDifference(first, other)}`,
      action: 'both splits need the same list, or classes would be confused',
    });
  }
  reportShared(splits, report);
}

function classesOf({ classNames = [], classIds = [] }: Dataset): string {
  return JSON.stringify([classNames, classIds]);
}

function firstDifference({ classNames: a = [] }: Dataset, { classNames: b = [] }: Dataset): string {
  const known = new Set(a);
  const added = b.find((name) => !known.has(name));
  if (added !== undefined) return ` (${added})`;
  const here = new Set(b);
  const lacking = a.find((name) => !here.has(name));
  return lacking === undefined ? '' : ` (without ${lacking})`;
}

/** Pictures that two splits have. */
function reportShared(splits: readonly Dataset[], report: ReportFault): void {
  const splitOf = new Map<string, Dataset>();
  for (const split of splits) {
    for (let index = 0; index < split.size; index++) {
      const { id, image } = split.item(index);
      if (image.kind !== 'file') break;
      const other = splitOf.get(image.path);
      splitOf.set(image.path, split);
      if (other === undefined || other === split) continue;
      report({
        severity: 'warning',
        code: 'picture-in-two-splits',
        file: split.name,
        subject: id,
        problem: `is a picture of ${other.name} too`,
        action: 'kept as listed; scores on pictures seen in training mean nothing',
      });
    }
  }
}
