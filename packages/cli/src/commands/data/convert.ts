import { Command, Option } from 'commander';
import { optionJson } from '../../settings/common-options.js';
import { createProcessTerminal } from '../../terminal/terminal.js';

interface ConvertFlags {
  readonly from: 'yolo' | 'voc';
  readonly out?: string;
  readonly difficult?: 'crowd' | 'keep' | 'drop';
  readonly json?: true;
}

export function dataConvertCommand(): Command {
  return new Command('convert')
    .description('write COCO annotation files for a YOLO or Pascal VOC folder; pictures stay where they are')
    .argument('<path>', 'the data set')
    .addOption(new Option('--from <format>', 'what it is').choices(['yolo', 'voc']).makeOptionMandatory())
    .option('--out <folder>', 'where the files go (default: annotations, in the data set)')
    .addOption(
      new Option('--difficult <what>', "VOC's difficult objects (default: crowd, not scored)").choices([
        'crowd',
        'keep',
        'drop',
      ]),
    )
    .addOption(optionJson())
    .addHelpText('after', '\nExample:\n  mae-tasks data convert my-yolo/ --from yolo')
    .action(async (path: string, flags: ConvertFlags) => {
      const terminal = createProcessTerminal({ json: flags.json === true });
      const { convertPascalVoc, convertYolo } = await import('@mae-tasks/core-mae/run');
      const result =
        flags.from === 'yolo'
          ? await convertYolo(path, flags.out)
          : await convertPascalVoc(path, {
              ...(flags.out === undefined ? {} : { out: flags.out }),
              ...(flags.difficult === undefined ? {} : { difficult: flags.difficult }),
            });
      for (const warning of result.warnings) terminal.warn(warning);
      terminal.print(
        `Wrote ${result.files.join(', ')}: ${result.images} pictures, ${result.annotations} objects, ` +
          `${result.classNames.length} classes`,
      );
      terminal.record({ ...result });
    });
}
