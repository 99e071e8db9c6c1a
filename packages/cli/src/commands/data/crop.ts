import { Command, Option } from 'commander';
import { numberValue, optionJson, wholeNumber } from '../../settings/common-options.js';
import { layoutOf } from '../../settings/data-options.js';
import { createProcessTerminal } from '../../terminal/terminal.js';

interface CropFlags {
  readonly split?: string;
  readonly out: string;
  readonly minSide?: number;
  readonly margin?: number;
  readonly format?: 'png' | 'jpeg';
  readonly set?: readonly string[];
  readonly json?: true;
}

export function dataCropCommand(): Command {
  return new Command('crop')
    .description('cut a folder of pictures by class out of the boxes of a COCO data set')
    .argument('<path>', 'a COCO data set')
    .requiredOption('--out <folder>', 'where the folders of classes are made')
    .option('--split <name>', 'the split (default: train, or the only one)')
    .addOption(new Option('--min-side <pixels>', 'leave out smaller boxes (default: 8)').argParser(wholeNumber))
    .addOption(new Option('--margin <share>', "add this share of the box's longer side").argParser(numberValue))
    .addOption(new Option('--format <name>', 'kind of the pictures (default: png)').choices(['png', 'jpeg']))
    .addOption(new Option('--set <key=value...>', 'how pictures are read, for example data.valueRange=[0,4095]'))
    .addOption(optionJson())
    .addHelpText(
      'after',
      '\nExample:\n  mae-tasks data crop coco/ --out objects/ && mae-tasks pretrain --data objects/',
    )
    .action(async (path: string, flags: CropFlags) => {
      const terminal = createProcessTerminal({ json: flags.json === true });
      const { cocoDataset } = await import('@mae-tasks/core-mae');
      const { cropBoxes } = await import('@mae-tasks/core-mae/run');
      const data = cocoDataset(path, flags.split === undefined ? {} : { split: flags.split });
      const { decode } = await layoutOf(flags);
      const result = await cropBoxes(data, flags.out, {
        decode,
        ...(flags.minSide === undefined ? {} : { minSide: flags.minSide }),
        ...(flags.margin === undefined ? {} : { margin: flags.margin }),
        ...(flags.format === undefined ? {} : { format: flags.format }),
      });
      for (const warning of [...data.warnings, ...result.warnings]) terminal.warn(warning);
      const total = Object.values(result.written).reduce((sum, count) => sum + count, 0);
      terminal.print(`Wrote ${total} pictures to ${flags.out} (${result.leftOut} crowds or small boxes left out)`);
      terminal.record({ ...result });
    });
}
