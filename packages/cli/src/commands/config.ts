import { Command, Option } from 'commander';
import { optionData, type CommonFlags, wholeNumber } from '../common-options.js';
import { createProcessTerminal } from '../terminal.js';
import { pretrainOverrides } from './pretrain.js';

interface ConfigFlags extends CommonFlags {
  readonly write?: string;
}

export function configCommand(): Command {
  return new Command('config')
    .description('print or write the resolved configuration of a pretraining')
    .addOption(optionData())
    .option('--model <preset>', 'tiny, small, base, large or huge')
    .addOption(new Option('--epochs <number>', 'times to go through the data').argParser(wholeNumber))
    .addOption(new Option('--batch-size <number>', 'pictures in a batch').argParser(wholeNumber))
    .option('--config <file>', 'YAML file of settings; flags override it')
    .option('--set <key=value...>', 'any setting, for example optimizer.blr=1e-4 (repeatable)')
    .option('--write <file>', 'write it there instead of printing it')
    .option('--json', 'print JSON instead of YAML')
    .addHelpText('after', '\nExample:\n  mae-tasks config --data photos/ --model small --write pretrain.yaml')
    .action(async (flags: ConfigFlags) => {
      const terminal = createProcessTerminal();
      const { parseAssignment, resolvePretrainConfig } = await import('../config.js');
      const { writeFileAtomically } = await import('@mae-tasks/core-mae');
      const { stringify } = await import('yaml');
      const overrides = [...pretrainOverrides(flags), ...(flags.set ?? []).map(parseAssignment)];
      // A configuration may be written before there is any data.
      const config = await resolvePretrainConfig(flags.config, [['data.path', 'photos/'], ...overrides]);
      const text = flags.json === true ? `${JSON.stringify(config, null, 2)}\n` : stringify(config);
      if (flags.write === undefined) {
        process.stdout.write(text);
        return;
      }
      await writeFileAtomically(flags.write, text);
      terminal.print(`Wrote ${flags.write}. Use it by: mae-tasks pretrain --config ${flags.write}`);
    });
}
