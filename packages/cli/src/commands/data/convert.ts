import { shellWord } from '@mae-tasks/core-mae/find-plugins';
import { Command, Option } from 'commander';
import { optionFollowLinks, optionJson } from '../../settings/common-options.js';
import { createProcessTerminal } from '../../terminal/terminal.js';

interface ConvertFlags {
  readonly from: 'yolo' | 'voc';
  readonly out?: string;
  readonly difficult?: 'crowd' | 'keep' | 'drop';
  readonly firstPixel?: '0' | '1';
  readonly force?: true;
  readonly followLinks?: true;
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
    .addOption(
      new Option(
        '--first-pixel <number>',
        "what VOC's boxes call the first pixel (default: 1, or 0 where a box begins at 0)",
      ).choices(['0', '1']),
    )
    .option('--force', 'replace annotation files of the same names')
    .addOption(optionFollowLinks())
    .addOption(optionJson())
    .addHelpText('after', '\nExample:\n  mae-tasks data convert my-yolo/ --from yolo')
    .action(async (path: string, flags: ConvertFlags) => {
      const terminal = createProcessTerminal({ json: flags.json === true });
      const { convertPascalVoc, convertYolo } = await import('@mae-tasks/core-mae/run');
      const { MaeError } = await import('@mae-tasks/core-mae');
      const common = { out: flags.out, force: flags.force === true, followLinks: flags.followLinks === true };
      if (flags.from === 'yolo' && (flags.difficult ?? flags.firstPixel) !== undefined) {
        throw new MaeError('CONFIG_INVALID', {
          what: 'YOLO has no such boxes',
          where: flags.difficult === undefined ? '--first-pixel' : '--difficult',
          fix: 'leave it out, or convert --from voc',
        });
      }
      const result =
        flags.from === 'yolo'
          ? await convertYolo(path, common)
          : await convertPascalVoc(path, {
              ...common,
              ...(flags.difficult === undefined ? {} : { difficult: flags.difficult }),
              ...(flags.firstPixel === undefined ? {} : { firstPixel: flags.firstPixel === '0' ? 0 : 1 }),
            });
      for (const warning of result.warnings) terminal.warn(warning);
      terminal.print(
        `Wrote ${result.files.join(', ')}: ${result.images} pictures, ${result.annotations} objects, ` +
          `${result.classNames.length} classes`,
      );
      terminal.print(`Next: mae-tasks data check ${shellWord(path)}`);
      terminal.record({ ...result });
    });
}
