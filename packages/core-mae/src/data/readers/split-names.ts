const SPLITS: ReadonlyMap<string, 'train' | 'val' | 'test'> = new Map([
  ['train', 'train'],
  ['training', 'train'],
  ['trn', 'train'],
  ['val', 'val'],
  ['valid', 'val'],
  ['validation', 'val'],
  ['dev', 'val'],
  ['test', 'test'],
  ['testing', 'test'],
]);

/** The split that a folder or file of this name stands for, case ignored; undefined where it is none. */
export function splitOfName(name: string): 'train' | 'val' | 'test' | undefined {
  return SPLITS.get(name.toLowerCase());
}
