/*
 * commands/data/: the commands of `mae-tasks data`, one a file: they look at data sets and results, without a model.
 * Not here: what they do: core's `data/tools` and the door `/coco`.
 * Called by: `commands/data.ts`, which lists them.
 */

import { Command, Option } from 'commander';
import { optionJson, wholeNumber } from '../../settings/common-options.js';
import { createProcessTerminal } from '../../terminal/terminal.js';

interface CheckFlags {
  readonly format?: 'coco' | 'ade20k' | 'folder';
  readonly split?: string;
  readonly quick?: true;
  readonly limit?: number;
  readonly json?: true;
}

export function dataCheckCommand(): Command {
  return new Command('check')
    .description('report every oddity of a data set; exits with 1 where there are errors')
    .argument('<path>', 'the data set: a COCO or ADE20K folder, an annotation file, or a folder of pictures')
    .addOption(new Option('--format <name>', 'only this layout').choices(['coco', 'ade20k', 'folder']))
    .option('--split <name>', 'only this split')
    .option('--quick', 'read only the headers of pictures')
    .addOption(new Option('--limit <number>', 'faults listed of one kind (default: 20)').argParser(wholeNumber))
    .addOption(optionJson())
    .addHelpText('after', '\nExample:\n  mae-tasks data check coco/')
    .action(async (path: string, flags: CheckFlags) => {
      const terminal = createProcessTerminal({ json: flags.json === true });
      const { checkData } = await import('@mae-tasks/core-mae/run');
      const { ok, reports } = await checkData(path, {
        decodePictures: flags.quick !== true,
        ...(flags.format === undefined ? {} : { format: flags.format }),
        ...(flags.split === undefined ? {} : { split: flags.split }),
        ...(flags.limit === undefined ? {} : { limitPerKind: flags.limit }),
      });
      for (const { format, lines, faults, counts, numErrors, numWarnings, checked } of reports) {
        for (const line of lines) terminal.print(line);
        terminal.print(
          `${format}: ${checked.pictures} pictures, ${checked.annotations} annotations in ${checked.files} files: ` +
            `${numErrors} errors, ${numWarnings} warnings`,
        );
        terminal.record({ format, checked, numErrors, numWarnings, counts, faults });
      }
      if (!ok) process.exitCode = 1;
    });
}
