import { dirname } from 'node:path';
import { Command } from 'commander';
import {
  optionFollowLinks,
  optionJson,
  optionLimit,
  optionOut,
  optionPlugin,
  optionSeed,
} from '../../settings/common-options.js';
import {
  type DataFlags,
  layoutOf,
  openData,
  optionFormat,
  optionLayoutSettings,
  withPlace,
} from '../../settings/data-options.js';
import { openReaders } from '../../plugins/open-registry.js';
import { createProcessTerminal } from '../../terminal/terminal.js';

interface ShowFlags extends DataFlags {
  readonly out: string;
  readonly limit?: number;
  readonly seed?: number;
  readonly labels: boolean;
  readonly json?: true;
}

export function dataShowCommand(): Command {
  return new Command('show')
    .description('draw a sheet of pictures with their boxes, masks and class names')
    .argument('<path>', 'the data set, or its annotation file')
    .option('--split <name>', 'the split (default: train, or the only one)')
    .addOption(optionFormat())
    .option('--no-labels', 'without the names of classes, for crowded pictures')
    .addOption(optionOut('the PNG file to write').default('data.png'))
    .addOption(optionLimit())
    .addOption(optionSeed())
    .addOption(optionLayoutSettings())
    .addOption(optionPlugin())
    .addOption(optionFollowLinks())
    .addOption(optionJson())
    .addHelpText('after', '\nExample:\n  mae-tasks data show coco/ --limit 20 --out sheet.png')
    .action(async (path: string, given: ShowFlags) => {
      const flags = withPlace(given);
      const terminal = createProcessTerminal({ json: flags.json === true });
      const core = await import('@mae-tasks/core-mae/run');
      const { createRandom } = await import('@mae-tasks/core-mae');
      const warn = (line: string): void => {
        terminal.warn(line);
      };
      const readers = await openReaders(flags.plugin, warn);
      const { open } = await openData(path, flags, readers, warn);
      const data = await open(flags.split);
      const { decode } = await layoutOf(flags);
      const png = await core.annotationSheetPng(data, {
        ...(flags.limit === undefined ? {} : { count: flags.limit }),
        random: createRandom(flags.seed ?? 0),
        labels: flags.labels,
        decode,
      });
      await core.createFolder(dirname(flags.out));
      await core.writeFileAtomically(flags.out, png);
      terminal.print(`Wrote ${flags.out}`);
      terminal.record({ type: 'sheet', path: flags.out });
    });
}
