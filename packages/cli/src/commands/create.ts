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
      const place = shellWord(folder);
      terminal.print(
        '',
        'Next, from here:',
        // A link to the folder among the project's packages: the plugin finds the core and TF.js that are there already.
        `  npm install ${isAbsolute(folder) || /^\.{1,2}\//u.test(folder) ? place : `./${place}`}`,
        `  npm run --prefix ${place} build`,
        `  npm test --prefix ${place}`,
        `  npx mae-tasks finetune ${shellWord(name)} --data <pictures>`,
      );
    });
  return create;
}
