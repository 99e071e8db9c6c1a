/*
 * cli/: the command line. `main` runs `program`, which lists the commands; nothing heavy is imported before a command
 * runs, so that `--help` is instant. Rooms: `terminal/`, `settings/`, `plugins/`, `training/`, `commands/`, each
 * importing from those before it.
 * Not here: what a command does: that is the library's, by its doors.
 * Called by: a person's shell.
 */

import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { configCommand } from './commands/config.js';
import { dataCommand } from './commands/data.js';
import { doctorCommand } from './commands/doctor.js';
import { createCommand } from './commands/create.js';
import { embedCommand } from './commands/embed.js';
import { evaluateCommand } from './commands/evaluate.js';
import { exportCommand } from './commands/export.js';
import { finetuneCommand } from './commands/finetune.js';
import { pluginsCommand } from './commands/plugins.js';
import { predictCommand } from './commands/predict.js';
import { pretrainCommand } from './commands/pretrain.js';
import { visualizeCommand } from './commands/visualize.js';
import { installedPlugins } from './plugins/open-registry.js';
import { withTaskFlags } from './plugins/task-flags.js';
import { showSafely } from './terminal/command-output.js';
import { loadTextMeasures } from './terminal/display-width.js';
import { withoutControls } from './terminal/text.js';

/** The command line. Commands load the library only when they run, so that help is instant. */
export function createProgram(): Command {
  const { version, description } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
    description: string;
  };
  const program = withTaskFlags(new Command('mae-tasks'))
    .description(description)
    .version(version)
    .showSuggestionAfterError()
    .showHelpAfterError('(see: mae-tasks help <command>)')
    .addCommand(pretrainCommand())
    .addCommand(finetuneCommand())
    .addCommand(evaluateCommand())
    .addCommand(predictCommand())
    .addCommand(embedCommand())
    .addCommand(exportCommand())
    .addCommand(visualizeCommand())
    .addCommand(dataCommand())
    .addCommand(configCommand())
    .addCommand(doctorCommand())
    .addCommand(pluginsCommand())
    .addCommand(createCommand())
    .addHelpText('after', installedTasks);
  showSafely(program);
  program.hook('preAction', loadTextMeasures).hook('preAction', requireNamedFonts);
  return program;
}

/** A font that cannot be read is told before a command begins, not when it draws after hours of work. */
async function requireNamedFonts(): Promise<void> {
  if ((process.env.MAE_TASKS_FONT ?? '') === '') return;
  const { requireFonts } = await import('@mae-tasks/core-mae/run');
  requireFonts();
}

/** The tasks that can be fine-tuned, as the installed packages say; nothing is loaded for it. */
function installedTasks(): string {
  const tasks = installedPlugins().flatMap(({ name, tasks: names }) =>
    names.map((task) => `  ${withoutControls(task).padEnd(14)} ${withoutControls(name)}`),
  );
  return tasks.length === 0
    ? '\nNo tasks are installed. For example: npm i @mae-tasks/plugin-classify'
    : `\nTasks for finetune:\n${tasks.join('\n')}`;
}
