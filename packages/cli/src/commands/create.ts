import { isAbsolute } from 'node:path';
import { shellWord } from '@mae-tasks/core-mae/find-plugins';
import { Command } from 'commander';
import { createProcessTerminal } from '../terminal/terminal.js';

export function createCommand(): Command {
  const create = new Command('create').description('write the beginnings of something');
  create
    .command('plugin <name>')
    .description('write a package with a task of your own, ready to build and run')
    .option('--out <folder>', 'where to (default: mae-tasks-plugin-<name>)')
    .addHelpText('after', '\nExample:\n  mae-tasks create plugin depth')
    .action(async (name: string, flags: { readonly out?: string }) => {
      const terminal = createProcessTerminal();
      const { writePluginSkeleton } = await import('../plugins/skeleton.js');
      const folder = flags.out ?? `mae-tasks-plugin-${name}`;
      const files = await writePluginSkeleton(name, folder);
      for (const file of files) terminal.print(`Wrote ${file}`);
      terminal.print(
        '',
        'Next:',
        `  cd ${shellWord(folder)} && npm install && npm run build`,
        `  mae-tasks finetune ${shellWord(name)} --plugin ${shellWord(isAbsolute(folder) ? folder : `./${folder}`)} --data <pictures>`,
      );
    });
  return create;
}
