import { dirname, join } from 'node:path';
import { Command, Option } from 'commander';
import { numberValue, optionJson, optionOut, optionSeed } from '../../settings/common-options.js';
import { createProcessTerminal } from '../../terminal/terminal.js';

interface SplitFlags {
  readonly out?: string;
  readonly fraction: number;
  readonly seed?: number;
  readonly force?: true;
  readonly json?: true;
}

export function dataSplitCommand(): Command {
  return new Command('split')
    .description('split an annotation file into training and validation by pictures')
    .argument('<file>', 'a COCO annotation file')
    .addOption(new Option('--fraction <share>', 'share of pictures for validation').argParser(numberValue).default(0.1))
    .addOption(optionOut("folder for instances_train.json and instances_val.json (default: the file's)"))
    .addOption(optionSeed())
    .option('--force', 'replace files of these names')
    .addOption(optionJson())
    .addHelpText(
      'after',
      '\nExample:\n  mae-tasks data split coco/annotations.json --fraction 0.2 --out coco/annotations',
    )
    .action(async (file: string, flags: SplitFlags) => {
      const terminal = createProcessTerminal({ json: flags.json === true });
      const { createRandom } = await import('@mae-tasks/core-mae');
      const { requireNew, splitCoco } = await import('@mae-tasks/core-mae/run');
      const folder = flags.out ?? dirname(file);
      const paths = { train: join(folder, 'instances_train.json'), val: join(folder, 'instances_val.json') };
      if (flags.force !== true) for (const path of Object.values(paths)) requireNew(path);
      const { train, val } = await splitCoco(file, {
        fraction: flags.fraction,
        random: createRandom(flags.seed ?? 0),
        ...paths,
      });
      terminal.print(`Wrote ${paths.train}: ${train.images} pictures, ${train.annotations} objects`);
      terminal.print(`Wrote ${paths.val}: ${val.images} pictures, ${val.annotations} objects`);
      terminal.record({ train: { path: paths.train, ...train }, val: { path: paths.val, ...val } });
    });
}
