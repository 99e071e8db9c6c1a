import { existsSync } from 'node:fs';
import { basename, dirname, join, parse } from 'node:path';
import { harmlessJson, shellWord, withoutControls } from '@mae-tasks/core-mae/find-plugins';
import { Command } from 'commander';
import { addSettingOptions, type CommonFlags } from '../settings/common-options.js';
import type { Override } from '../settings/config.js';
import { fitRecipe } from '../settings/fit-recipe.js';
import { taskOverrides, withTaskFlags } from '../plugins/task-flags.js';
import { createProcessTerminal } from '../terminal/terminal.js';
import { addFinetuneOptions, type FinetuneFlags, finetuneOverrides } from './finetune.js';
import { addPretrainOptions, type PretrainFlags, pretrainOverrides } from './pretrain.js';

interface WriteFlags {
  readonly write?: string;
  readonly json?: true;
  readonly schema?: true;
}

export function configCommand(): Command {
  return withTaskFlags(new Command('config'))
    .description('print or write the whole configuration of a training, defaults and recipe filled in')
    .addCommand(configPretrainCommand(), { isDefault: true })
    .addCommand(configFinetuneCommand())
    .addHelpText(
      'after',
      '\nExamples:\n  mae-tasks config --data photos/ --model small --write pretrain.yaml' +
        '\n  mae-tasks config finetune classify --checkpoint runs/pretrain/latest --write finetune.yaml',
    );
}

function configPretrainCommand(): Command {
  return addWriteOptions(addPretrainOptions(addSettingOptions(new Command('pretrain'))))
    .description('of `pretrain`; meant where nothing is said')
    .action(async (flags: PretrainFlags & WriteFlags) => {
      const { pretrainConfig, resolvePretrainConfig, settingsJsonSchema } = await import('@mae-tasks/core-mae/run');
      const schema = settingsJsonSchema(pretrainConfig);
      if (flags.schema === true) {
        await write(schema, flags);
        return;
      }
      const { tree, where, hasData } = await settingsOf(flags, pretrainOverrides(flags));
      const terminal = createProcessTerminal();
      const warn = (message: string): void => {
        terminal.warn(message);
      };
      const { openRegistryFor } = await import('../plugins/open-registry.js');
      const { readers } = await openRegistryFor(undefined, { tree, where }, warn, flags.plugin);
      const options = hasData ? fitRecipe(readers, { labels: false }).options : {};
      await show(await resolvePretrainConfig(tree, where, options), 'pretrain', schema, flags);
    });
}

function configFinetuneCommand(): Command {
  return addWriteOptions(addFinetuneOptions(addSettingOptions(new Command('finetune').argument('<task>'))))
    .description('of `finetune <task>`, for the checkpoint that is named')
    .action(async (taskName: string, flags: FinetuneFlags & WriteFlags, command: Command) => {
      const { finetuneConfig, resolveFinetuneConfig, settingsJsonSchema, taskNamed } =
        await import('@mae-tasks/core-mae/run');
      const { openRegistryFor } = await import('../plugins/open-registry.js');
      const overrides = [...finetuneOverrides(flags), ...(await taskOverrides(command))];
      const { tree, where, hasData } = await settingsOf(flags, overrides);
      const terminal = createProcessTerminal();
      const reportWarning = (message: string): void => {
        terminal.warn(message);
      };
      const registry = await openRegistryFor(taskName, { tree, where }, reportWarning, flags.plugin);
      const task = taskNamed(taskName, registry);
      const schema = settingsJsonSchema(finetuneConfig(task));
      if (flags.schema === true) {
        await write(schema, flags);
        return;
      }
      const options = hasData ? fitRecipe(registry.readers, { formats: task.formats }).options : {};
      await show(
        await resolveFinetuneConfig(task, tree, where, { ...options, reportWarning }),
        `finetune ${shellWord(taskName)}`,
        schema,
        flags,
      );
    });
}

function addWriteOptions(command: Command): Command {
  return command
    .option('--write <file>', 'write it there instead of printing it')
    .option('--json', 'print JSON instead of YAML')
    .option('--schema', 'print the JSON Schema of the settings instead, for editors and checks');
}

/**
 * The settings of file and flags. A configuration may be written before there is any data; where there is some, recipes
 * are fitted to it.
 */
async function settingsOf(flags: CommonFlags, overrides: readonly Override[]) {
  const { parseAssignment, readConfigFile, withOverrides } = await import('../settings/config.js');
  const file = flags.config === undefined ? {} : await readConfigFile(flags.config);
  const given = [...overrides, ...(flags.set ?? []).map(parseAssignment)];
  const tree = withOverrides(file, given);
  const isPathGiven = typeof tree.data === 'object' && tree.data !== null && 'path' in tree.data;
  return {
    tree: isPathGiven ? tree : withOverrides(tree, [['data.path', 'photos/']]),
    where: flags.config ?? 'command line',
    hasData: isPathGiven && existsSync(String((tree.data as { path: unknown }).path)),
  };
}

async function show(config: object, command: string, schema: object, flags: WriteFlags): Promise<void> {
  const { writeFileAtomically } = await import('@mae-tasks/core-mae/run');
  const { json, write: path } = flags;
  if (path === undefined || json === true) {
    await write(json === true ? config : await yamlOf(config), flags);
  } else {
    const schemaPath = join(dirname(path), `${parse(path).name}.schema.json`);
    await writeFileAtomically(schemaPath, jsonText(schema));
    const line = `# yaml-language-server: $schema=./${encodeURI(basename(schemaPath))}\n`;
    await writeFileAtomically(path, line + (await yamlOf(config)));
    createProcessTerminal().print(`Wrote ${path}, and ${schemaPath} for editors`);
  }
  if (path === undefined) return;
  createProcessTerminal().print(`Use it by: mae-tasks ${command} --config ${shellWord(path)}`);
}

/** Prints text, or an object as JSON, or writes it where a file is named. */
async function write(content: object | string, { write: path }: WriteFlags): Promise<void> {
  const { writeFileAtomically } = await import('@mae-tasks/core-mae/run');
  const text = typeof content === 'string' ? content : jsonText(content);
  if (path === undefined) {
    createProcessTerminal().data(harmlessJson(text));
    return;
  }
  await writeFileAtomically(path, text);
  createProcessTerminal().print(`Wrote ${path}`);
}

function jsonText(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** Texts with controls in quotes, where YAML knows the same escapes as JSON. */
async function yamlOf(config: object): Promise<string> {
  const { Document, visit } = await import('yaml');
  const document = new Document(config);
  visit(document, {
    Scalar(_, node) {
      if (typeof node.value === 'string' && withoutControls(node.value) !== node.value) node.type = 'QUOTE_DOUBLE';
    },
  });
  return harmlessJson(document.toString());
}
