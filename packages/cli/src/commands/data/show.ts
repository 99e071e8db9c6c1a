import { Command } from 'commander';
import { optionJson, optionLimit, optionOut, optionSeed } from '../../settings/common-options.js';
import { createProcessTerminal } from '../../terminal/terminal.js';

interface ShowFlags {
  readonly split?: string;
  readonly out: string;
  readonly limit?: number;
  readonly seed?: number;
  readonly json?: true;
}

export function dataShowCommand(): Command {
  return new Command('show')
    .description('draw a sheet of pictures with their boxes, masks and class names')
    .argument('<path>', 'a COCO data set')
    .option('--split <name>', 'the split (default: train, or the only one)')
    .addOption(optionOut('the PNG file to write').default('data.png'))
    .addOption(optionLimit())
    .addOption(optionSeed())
    .addOption(optionJson())
    .addHelpText('after', '\nExample:\n  mae-tasks data show coco/ --limit 20 --out sheet.png')
    .action(async (path: string, flags: ShowFlags) => {
      const terminal = createProcessTerminal({ json: flags.json === true });
      const { cocoDataset, createRandom } = await import('@mae-tasks/core-mae');
      const { annotationSheetPng, writeFileAtomically } = await import('@mae-tasks/core-mae/run');
      const data = cocoDataset(path, flags.split === undefined ? {} : { split: flags.split });
      for (const warning of data.warnings) terminal.warn(warning);
      const png = await annotationSheetPng(data, {
        ...(flags.limit === undefined ? {} : { count: flags.limit }),
        random: createRandom(flags.seed ?? 0),
      });
      await writeFileAtomically(flags.out, png);
      terminal.print(`Wrote ${flags.out}`);
      terminal.record({ type: 'sheet', path: flags.out });
    });
}
