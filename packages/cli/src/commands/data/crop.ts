import { Command, Option } from 'commander';
import {
  numberValue,
  optionFollowLinks,
  optionJson,
  optionPlugin,
  wholeNumber,
} from '../../settings/common-options.js';
import { layoutOf, optionLayoutSettings, withPlace } from '../../settings/data-options.js';
import { openReaders } from '../../plugins/open-registry.js';
import { createProcessTerminal } from '../../terminal/terminal.js';

interface CropFlags {
  readonly split?: string;
  readonly out: string;
  readonly minSide?: number;
  readonly margin?: number;
  readonly format?: 'png' | 'jpeg';
  readonly set?: readonly string[];
  readonly followLinks?: true;
  readonly plugin?: readonly string[];
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
    .addOption(optionLayoutSettings())
    .addOption(optionPlugin())
    .addOption(optionFollowLinks())
    .addOption(optionJson())
    .addHelpText(
      'after',
      '\nExample:\n  mae-tasks data crop coco/ --out objects/ && mae-tasks pretrain --data objects/',
    )
    .action(async (path: string, flags: CropFlags) => {
      const terminal = createProcessTerminal({ json: flags.json === true });
      const { cocoDataset } = await import('@mae-tasks/core-mae');
      const { cropBoxes, findReader, readerOptionsOf, requireTakenSettings } = await import('@mae-tasks/core-mae/run');
      // This command's --format is that of the pictures.
      const { format, ...others } = flags;
      const { split, ...place } = withPlace(others);
      const { layout, decode } = await layoutOf(place);
      const readers = await openReaders(flags.plugin, (line) => {
        terminal.warn(line);
      });
      const reader = await findReader(path, readers, 'coco');
      requireTakenSettings(layout, reader, readers);
      const options = readerOptionsOf(layout, reader);
      const data = cocoDataset(path, split === undefined ? options : { ...options, split });
      const result = await cropBoxes(data, flags.out, {
        decode,
        ...(flags.minSide === undefined ? {} : { minSide: flags.minSide }),
        ...(flags.margin === undefined ? {} : { margin: flags.margin }),
        ...(format === undefined ? {} : { format }),
      });
      for (const warning of [...data.warnings, ...result.warnings]) terminal.warn(warning);
      const total = Object.values(result.written).reduce((sum, count) => sum + count, 0);
      terminal.print(`Wrote ${total} pictures to ${flags.out} (${result.leftOut} crowds or small boxes left out)`);
      terminal.record({ ...result });
    });
}
