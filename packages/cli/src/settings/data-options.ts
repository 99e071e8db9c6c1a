import type { DataReader, Dataset } from '@mae-tasks/core-mae/task';
import { Option } from 'commander';
import type { Terminal } from '../terminal/terminal.js';

/** Flags of commands that look at data sets. */
export interface DataFlags {
  readonly format?: string;
  readonly split?: string;
  readonly set?: readonly string[];
  readonly followLinks?: true;
  readonly plugin?: readonly string[];
}

export const optionFormat = (): Option =>
  new Option('--format <name>', "the layout, where two fit: coco, ade20k, idx, folder, coco-semantic, or a plugin's");

export const optionLayoutSettings = (): Option =>
  new Option('--set <key=value...>', 'how the files are read, for example data.classLevel=1 (repeatable)');

/** Layouts with labels, the richest first. */
const LABELLED = ['coco', 'ade20k', 'idx'];

/** Faults of one kind that are listed. */
const LISTED = 5;

/** A data set to look at: its reader, and a function that opens one of its splits. */
export interface OpenedData {
  readonly reader: DataReader;
  /** Names of its splits; empty where it has none. */
  readonly splits: readonly string[];
  readonly open: (split?: string) => Promise<Dataset>;
}

/**
 * A data set to look at, as far as it can be used: what is wrong with it is only said.
 *
 * @throws MaeError as `findReader`, and for settings that say nothing of the layout
 */
export async function openData(
  path: string,
  flags: DataFlags,
  readers: readonly DataReader[],
  warn: (line: string) => void,
): Promise<OpenedData> {
  const core = await import('@mae-tasks/core-mae/run');
  const { layout } = await layoutOf(flags);
  const reader = await core.findReader(path, readers, flags.format, LABELLED);
  core.requireTakenSettings(layout, reader, readers);
  const options = core.readerOptionsOf(layout, reader);
  const splits = (await reader.splits?.(path)) ?? [];
  return {
    reader,
    splits,
    open: async (split = core.splitToLookAt(splits)) => {
      const log = core.createFaultLog(LISTED);
      const all = { ...options, reportFault: log.report };
      const data = await reader.open(path, split === undefined ? all : { ...all, split });
      for (const line of [...data.warnings, ...log.lines()]) warn(line);
      return data;
    },
  };
}

/**
 * The flags with `data.split` and `data.format` of `--set` as what `--split` and `--format` are: messages name them as
 * trainings take them. A flag of its own goes before.
 */
export function withPlace<Flags extends DataFlags>(flags: Flags): Flags {
  const place: { split?: string; format?: string } = {};
  const others = (flags.set ?? []).filter((text) => {
    const [, name, value] = /^data\.(split|format)=(.+)$/su.exec(text) ?? [];
    if (name === 'split' || name === 'format') place[name] = value!;
    return name === undefined;
  });
  return { ...flags, ...place, ...definedOf(flags), set: others };
}

function definedOf({ split, format }: DataFlags): DataFlags {
  return { ...(split === undefined ? {} : { split }), ...(format === undefined ? {} : { format }) };
}

/** The settings below `data` that say how files and pictures are read. */
export async function layoutOf({ set = [], followLinks }: DataFlags) {
  const core = await import('@mae-tasks/core-mae/run');
  const { parseAssignment, withOverrides } = await import('./config.js');
  const { data, ...others } = withOverrides({ data: {} }, set.map(parseAssignment));
  const [stray] = Object.keys(others);
  if (stray !== undefined) {
    const { MaeError } = await import('@mae-tasks/core-mae');
    throw new MaeError('CONFIG_INVALID', {
      what: `\`${stray}\` is no setting of data`,
      where: '--set',
      fix: `there is ${Object.keys(core.lookSettings.shape.data.shape)
        .map((name) => `data.${name}`)
        .join(', ')}`,
    });
  }
  const { data: all } = core.checkSettings(core.lookSettings, { data }, '--set');
  const { maxBadImages, maxPixels, orient, valueRange, background, ...layout } = all;
  return {
    layout: { ...layout, followLinks: followLinks ?? layout.followLinks },
    decode: { maxPixels, orient, valueRange, background },
    maxBadImages: maxBadImages ?? undefined,
  };
}

/** Shows how far a long work on pictures is; the line goes away at its end. */
export function showPictures(terminal: Terminal, doing: string): (done: number, total: number) => void {
  let shownAt = -Infinity;
  return (done, total) => {
    const now = terminal.now();
    if (done >= total) terminal.clearLive();
    else if (now - shownAt > 100) {
      shownAt = now;
      terminal.showLive(`${doing}: ${done} of ${total} pictures`);
    }
  };
}
