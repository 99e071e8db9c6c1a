import { Command, CommanderError, Option } from 'commander';
import type { Task, TaskFlag } from '@mae-tasks/core-mae/task';
import type { CommonFlags } from '../settings/common-options.js';
import type { Override } from '../settings/config.js';
import { openRegistryFor } from './open-registry.js';

/** What stands for a declared flag on a command. */
interface DeclaredFlag {
  readonly task: string;
  readonly flag: TaskFlag;
  readonly option: Option;
}

const declaredFlags = new WeakMap<Command, readonly DeclaredFlag[]>();

/**
 * Lets `finetune` below this command take the flags that its task declares, and list them in its help: the task is loaded
 * before the rest of the command line is read.
 */
export function withTaskFlags(parent: Command): Command {
  return parent.hook('preSubcommand', async (_, command) => {
    if (command.name() === 'finetune') await declareTaskFlags(command, parent.args.slice(1));
  });
}

/** The settings that the task's own flags stand for, after the command line has been read. */
export async function taskOverrides(command: Command): Promise<Override[]> {
  const { parseAssignment } = await import('../settings/config.js');
  return (declaredFlags.get(command) ?? []).flatMap(({ task, flag: { setting, choices }, option }) => {
    const text = command.getOptionValue(option.attributeName()) as string | undefined;
    if (text === undefined) return [];
    const path = `${task}.${setting}`;
    return [choices === undefined ? parseAssignment(`${path}=${text}`) : ([path, choices[text]] as const)];
  });
}

async function declareTaskFlags(command: Command, args: readonly string[]): Promise<void> {
  const read = readAhead(command, args);
  // Without a task, or with a mistake that the command itself will tell of, there is nothing to load.
  if (read?.names[0] === undefined) return;
  const task = await taskOf(read.names, read.flags).catch((error: unknown) => {
    // Help does without what cannot be loaded.
    if (read.wantsHelp) return undefined;
    throw error;
  });
  if (task === undefined) return;
  const declared: DeclaredFlag[] = [];
  for (const flag of task.flags ?? []) {
    await requireFreeName(flag, task, command);
    const option = optionOf(flag).helpGroup(`Options of ${task.name}:`);
    command.addOption(option);
    declared.push({ task: task.name, flag, option });
  }
  declaredFlags.set(command, declared);
}

/** What a command line says as far as the command knows its flags; undefined where it is wrong. */
function readAhead(command: Command, args: readonly string[]) {
  const reader = new Command().exitOverride().configureOutput({ writeErr: () => undefined });
  for (const option of command.options) reader.addOption(option);
  try {
    const { operands, unknown } = reader.parseOptions([...args]);
    const flags = reader.opts<CommonFlags>();
    const wantsHelp = unknown.some((arg) => arg === '--help' || arg === '-h');
    // A flag that is not known yet may come before the task.
    return { names: [...operands, ...unknown.filter((arg) => !arg.startsWith('-'))], flags, wantsHelp };
  } catch (error) {
    if (error instanceof CommanderError) return undefined;
    throw error;
  }
}

/** The first of these names that is a task. @throws MaeError `PLUGIN_MISSING` for the first where none is */
async function taskOf(names: readonly string[], flags: CommonFlags): Promise<Task> {
  const [first] = names as [string];
  const { taskNamed } = await import('@mae-tasks/core-mae/run');
  const { givenSettings } = await import('../settings/run-folder.js');
  const settings = await givenSettings(first, flags, [['plugins', flags.plugin]]);
  // The command says what it leaves out when it runs.
  const registry = await openRegistryFor(first, settings, () => undefined, flags.plugin);
  return taskNamed(names.find((name) => registry.tasks.has(name)) ?? first, registry);
}

function optionOf({ name, description, choices, placeholder }: TaskFlag): Option {
  const names = Object.keys(choices ?? {});
  const shown = placeholder ?? (choices === undefined ? 'value' : names.join('|'));
  const option = new Option(`--${name} <${shown}>`, description);
  return choices === undefined ? option : option.choices(names);
}

async function requireFreeName({ name }: TaskFlag, { name: task }: Task, command: Command): Promise<void> {
  const isTaken = command.options.some(({ long }) => long === `--${name}`) || name === 'help';
  if (!isTaken && /^(?!no-)[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/.test(name)) return;
  const { MaeError } = await import('@mae-tasks/core-mae');
  throw new MaeError('PLUGIN_INVALID', {
    what: `the task "${task}" declares the flag \`--${name}\`, ${isTaken ? 'which the command has already' : 'which is no name of a flag'}`,
    fix: 'report it to its author; `--set` reaches the setting',
  });
}
