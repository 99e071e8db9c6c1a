import type { CocoStats } from '@mae-tasks/core-mae/coco';
import type { DataSummary } from '@mae-tasks/core-mae/run';
import { Command } from 'commander';
import { optionFollowLinks, optionJson, optionPlugin } from '../../settings/common-options.js';
import { summaryRows } from '../../terminal/data-lines.js';
import {
  type DataFlags,
  openData,
  optionFormat,
  optionLayoutSettings,
  showPictures,
  withPlace,
} from '../../settings/data-options.js';
import { formatTable } from '../../terminal/table.js';
import { openReaders } from '../../plugins/open-registry.js';
import { createProcessTerminal, type Terminal } from '../../terminal/terminal.js';

interface StatsFlags extends DataFlags {
  readonly json?: true;
}

export function dataStatsCommand(): Command {
  return new Command('stats')
    .description('count the pictures, labels and classes of a data set')
    .argument('<path>', 'the data set, or its annotation file')
    .option('--split <name>', 'the split (default: train, or the only one)')
    .addOption(optionFormat())
    .addOption(optionLayoutSettings())
    .addOption(optionPlugin())
    .addOption(optionFollowLinks())
    .addOption(optionJson())
    .addHelpText('after', '\nExample:\n  mae-tasks data stats coco/ --split val')
    .action(async (path: string, given: StatsFlags) => {
      const flags = withPlace(given);
      const terminal = createProcessTerminal({ json: flags.json === true });
      const core = await import('@mae-tasks/core-mae/run');
      const { cocoStats } = await import('@mae-tasks/core-mae/coco');
      const warn = (line: string): void => {
        terminal.warn(line);
      };
      const readers = await openReaders(flags.plugin, warn);
      const { reader, splits, open } = await openData(path, flags, readers, warn);
      const data = await open(flags.split);
      const summary = await core.summarizeData(data, { reportProgress: showPictures(terminal, 'counting') });
      const stats = core.isCocoDataset(data) ? cocoStats(data.annotations) : undefined;
      const split = flags.split ?? splits[0] ?? 'data';
      terminal.print(
        ...formatTable([
          ...summaryRows([[split, summary]]),
          ...(splits.length > 1 ? [['splits', splits.join(', ')]] : []),
          ...(stats === undefined ? [] : cocoRows(stats)),
        ]),
      );
      printClasses(terminal, summary, stats);
      const few = core.fewPicturesWarning(summary);
      if (few !== undefined && (split === 'train' || splits.length === 0)) terminal.warn(few);
      terminal.record({ format: reader.name, splits, ...summary, ...stats });
    });
}

function cocoRows(stats: CocoStats): string[][] {
  const { byKind, bySize, objectsPerImage, width, height } = stats;
  const spread = (values: typeof width): string =>
    values === undefined
      ? 'unknown'
      : `${values.min} – ${values.max}, median ${values.median}, mean ${values.mean.toFixed(1)}`;
  return [
    ['file', stats.file],
    ['pictures', `${stats.images} (${stats.imagesWithoutAnnotations} without objects)`],
    ['objects', `${stats.annotations} (${stats.crowds} crowds)`],
    ['outlines', `${byKind.polygons} polygons, ${byKind.runs} runs, ${byKind.boxesOnly} boxes alone`],
    ['sizes', `${bySize.small} small (< 32²), ${bySize.medium} medium, ${bySize.large} large (≥ 96²)`],
    ['objects a picture', spread(objectsPerImage)],
    ['width', spread(width)],
    ['height', spread(height)],
  ];
}

function printClasses(terminal: Terminal, { unit, classes }: DataSummary, stats: CocoStats | undefined): void {
  if (classes.length === 0) return;
  const counts = stats?.categories.map(({ id, name, instances, images }) => ({
    id: String(id),
    name,
    labels: instances,
    pictures: images,
  }));
  const rows = (counts ?? classes.map((each, index) => ({ id: String(index), ...each }))).map(
    ({ id, name, labels, pictures }) => [id, name, ...(unit === 'picture' ? [] : [String(labels)]), String(pictures)],
  );
  const header = ['id', 'class', ...(unit === 'picture' ? [] : [`${unit}s`]), 'pictures'];
  terminal.print('');
  terminal.printAll(formatTable(rows, { header, align: ['right', 'left', 'right', 'right'] }));
}
