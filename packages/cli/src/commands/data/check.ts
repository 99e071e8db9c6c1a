/*
 * commands/data/: the commands of `mae-tasks data`, one a file: they look at data sets and results, without a model.
 * Not here: what they do: core's `data/tools` and the door `/coco`.
 * Called by: `commands/data.ts`, which lists them.
 */

import type { DataReader } from '@mae-tasks/core-mae/task';
import { Command, Option } from 'commander';
import { optionFollowLinks, optionJson, optionPlugin, wholeNumber } from '../../settings/common-options.js';
import { summaryRows } from '../../terminal/data-lines.js';
import {
  type DataFlags,
  layoutOf,
  openData,
  optionLayoutSettings,
  showPictures,
  withPlace,
} from '../../settings/data-options.js';
import { formatTable } from '../../terminal/table.js';
import { openReaders } from '../../plugins/open-registry.js';
import { createProcessTerminal, type Terminal } from '../../terminal/terminal.js';

interface CheckFlags extends DataFlags {
  readonly quick?: true;
  readonly limit?: number;
  readonly json?: true;
}

export function dataCheckCommand(): Command {
  return new Command('check')
    .description('report every oddity of a data set; exits with 1 where there are errors')
    .argument('<path>', 'the data set, or its annotation file')
    .option('--format <name>', "only this layout: coco, ade20k, idx, folder, or a plugin's")
    .option('--split <name>', 'only this split')
    .option('--quick', 'read only the headers of pictures')
    .addOption(new Option('--limit <number>', 'faults listed of one kind (default: 20)').argParser(wholeNumber))
    .addOption(optionLayoutSettings())
    .addOption(optionPlugin())
    .addOption(optionFollowLinks())
    .addOption(optionJson())
    .addHelpText('after', '\nExample:\n  mae-tasks data check coco/')
    .action(async (path: string, given: CheckFlags) => {
      const flags = withPlace(given);
      const terminal = createProcessTerminal({ json: flags.json === true });
      const { checkData } = await import('@mae-tasks/core-mae/run');
      const warn = (line: string): void => {
        terminal.warn(line);
      };
      const readers = await openReaders(flags.plugin, warn);
      const { layout, decode, maxBadImages } = await layoutOf(flags);
      const { followLinks, ...settings } = layout;
      const known = Object.entries(settings).filter(([, value]) => value !== null);
      const { ok, reports } = await checkData(path, {
        readers,
        decodePictures: flags.quick !== true,
        reportProgress: showPictures(terminal, 'checking'),
        layout: Object.fromEntries(known),
        followLinks,
        decode,
        maxBadImages,
        ...(flags.format === undefined ? {} : { format: flags.format }),
        ...(flags.split === undefined ? {} : { split: flags.split }),
        ...(flags.limit === undefined ? {} : { limitPerKind: flags.limit }),
      });
      for (const { format, lines, faults, counts, numErrors, numWarnings, checked } of reports) {
        for (const line of lines) terminal.print(line);
        await describe(terminal, path, { ...flags, format }, readers);
        terminal.print(
          `${format}: ${checked.pictures} pictures, ${checked.annotations} annotations in ${checked.files} files: ` +
            `${numErrors} errors, ${numWarnings} warnings`,
        );
        terminal.record({ format, checked, numErrors, numWarnings, counts, faults });
      }
      if (!ok) process.exitCode = 1;
    });
}

/** Shows what training would see of the data, as far as it can be opened. */
async function describe(
  terminal: Terminal,
  path: string,
  flags: DataFlags,
  readers: readonly DataReader[],
): Promise<void> {
  const core = await import('@mae-tasks/core-mae/run');
  const { MaeError } = await import('@mae-tasks/core-mae');
  const reportProgress = showPictures(terminal, 'counting');
  const parts: Array<readonly [string, Awaited<ReturnType<typeof core.summarizeData>>]> = [];
  try {
    const { splits, open } = await openData(path, flags, readers, () => undefined);
    const names = flags.split === undefined ? splits : [flags.split];
    for (const split of names.length === 0 ? [undefined] : names) {
      const summary = await core.summarizeData(await open(split), { reportProgress });
      parts.push([split ?? 'data', summary]);
    }
  } catch (error) {
    // The report names it already: the same files were just checked.
    if (!(error instanceof MaeError)) throw error;
  }
  if (parts.length === 0) return;
  terminal.print(...formatTable(summaryRows(parts)));
  const few = core.fewPicturesWarning(parts[0]![1]);
  if (few !== undefined) terminal.warn(few);
}
