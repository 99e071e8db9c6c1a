import { z } from 'zod';
import type { DataReader } from '../../contracts/data-reader.js';
import { MaeError } from '../../base/errors.js';
import { classMapSchema } from '../../data/readers/ade20k.js';

const text = z.string().min(1).nullable().default(null);

/** How files of one layout or another are read; each reader says which of them it takes. */
export const layoutSettings = z.strictObject({
  /** Of folders by class: how many levels down the classes lie, from 1. Default: where the pictures are. */
  classLevel: z.int().min(1).nullable().default(null),
  /** Of index maps: the value of pixels that do not count. Default 255. */
  ignoreIndex: z.int().min(0).max(65_535).nullable().default(null),
  /** Of index maps: each value's class by name, or null for pixels that do not count. */
  classMap: classMapSchema.nullable().default(null),
  /** Of index maps: whether 0 is no class. Default: where a list counts the classes from 1. */
  reduceZeroLabel: z.boolean().nullable().default(null),
  /** The folder of pictures, where it is not a usual one. */
  images: text,
  /** The folder of index maps or the annotation file, where it is not a usual one. */
  annotations: text,
  /** What a picture's and its index map's names end in, before which they agree. Default: any ending, and .png. */
  imageSuffix: text,
  annotationSuffix: text,
  /** Of index maps: names of the classes in the order of their values, where no file lists them. */
  classNames: z.array(z.string().min(1)).nullable().default(null),
  /** Of index maps: number of classes, where they have no names. */
  numClasses: z.int().min(1).nullable().default(null),
  /** Of folders of pictures: whether subfolders are classes. Default: they are, unless pictures lie beside them. */
  classes: z.boolean().nullable().default(null),
  /** Of every layout: whether symbolic links may lead out of the data set. */
  followLinks: z.boolean().default(false),
});

export type LayoutSettings = z.output<typeof layoutSettings>;

/** The settings that are given and that the reader takes, as it takes them. */
export function readerOptionsOf(settings: LayoutSettings, reader: DataReader): Readonly<Record<string, unknown>> {
  const taken = givenSettings(settings).filter(([name]) => reader.settings?.includes(name) === true);
  return { ...Object.fromEntries(taken), ...(settings.followLinks ? { followLinks: true } : {}) };
}

/** @throws MaeError `CONFIG_INVALID` for a setting that says nothing of the reader's layout */
export function requireTakenSettings(
  settings: LayoutSettings,
  reader: DataReader,
  readers: readonly DataReader[],
): void {
  const [stray] = givenSettings(settings).find(([name]) => reader.settings?.includes(name) !== true) ?? [];
  if (stray === undefined) return;
  const takers = readers.filter((each) => each.settings?.includes(stray) === true).map(({ name }) => name);
  throw new MaeError('CONFIG_INVALID', {
    what: `\`data.${stray}\` says nothing of data of the format \`${reader.name}\``,
    fix: `leave it out${takers.length === 0 ? '' : `, or name a \`data.format\` that takes it: ${takers.join(', ')}`}`,
  });
}

function givenSettings(settings: LayoutSettings): Array<[string, unknown]> {
  const all = Object.keys(layoutSettings.shape) as Array<keyof LayoutSettings>;
  const names = all.filter((name) => name !== 'followLinks');
  return names.flatMap((name): Array<[string, unknown]> => (settings[name] === null ? [] : [[name, settings[name]]]));
}
