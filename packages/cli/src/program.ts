import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { configCommand } from './commands/config.js';
import { dataCommand } from './commands/data.js';
import { doctorCommand } from './commands/doctor.js';
import { pretrainCommand } from './commands/pretrain.js';
import { visualizeCommand } from './commands/visualize.js';

/** The command line. Commands load the library only when they run, so that help is instant. */
export function createProgram(): Command {
  const { version, description } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
    description: string;
  };
  return new Command('mae-tasks')
    .description(description)
    .version(version)
    .showSuggestionAfterError()
    .showHelpAfterError('(see: mae-tasks help <command>)')
    .addCommand(pretrainCommand())
    .addCommand(visualizeCommand())
    .addCommand(dataCommand())
    .addCommand(configCommand())
    .addCommand(doctorCommand());
}
