import { Command } from 'commander';
import { optionJson, optionPlugin } from '../settings/common-options.js';
import { foundPlugins } from '../plugins/open-registry.js';
import { formatTable } from '../terminal/table.js';
import { createProcessTerminal } from '../terminal/terminal.js';

interface PluginsFlags {
  readonly plugin?: readonly string[];
  readonly recipes?: true;
  readonly json?: true;
}

export function pluginsCommand(): Command {
  return new Command('plugins')
    .description('list the plugins that are found, and whether they work')
    .addOption(optionPlugin())
    .option('--recipes', 'list the recipes of every task too, with their sources')
    .addOption(optionJson())
    .action(async (flags: PluginsFlags) => {
      await listPlugins(flags);
    });
}

async function listPlugins(flags: PluginsFlags): Promise<void> {
  const terminal = createProcessTerminal({ json: flags.json === true });
  const { createRegistry } = await import('@mae-tasks/core-mae');
  const { loadPlugin, pretrainRecipes } = await import('@mae-tasks/core-mae/run');
  const rows: string[][] = [];
  const recipes = Object.entries(pretrainRecipes).map(([name, { source }]) => ['pretrain', name, source]);
  for (const plugin of foundPlugins(flags.plugin ?? [])) {
    let [state, tasks] = ['works', plugin.tasks];
    try {
      // Each by itself, so that one that does not work says nothing of the others.
      const registry = await createRegistry([await loadPlugin(plugin)]);
      tasks = [...registry.tasks.keys()];
      for (const task of registry.tasks.values()) {
        for (const [name, { source }] of Object.entries(task.recipes ?? {})) recipes.push([task.name, name, source]);
      }
    } catch (error) {
      state = error instanceof Error ? error.message : String(error);
    }
    rows.push([plugin.name, plugin.version ?? '–', tasks.join(', ') || '–', plugin.foundBy, state]);
    const { name, version, foundBy } = plugin;
    terminal.record({
      type: 'plugin',
      name,
      version: version ?? null,
      tasks,
      foundBy,
      works: state === 'works',
      state,
    });
  }
  if (rows.length === 0) {
    terminal.print('No plugins are installed. For example: npm i @mae-tasks/plugin-classify');
    return;
  }
  terminal.print(...formatTable(rows, { header: ['plugin', 'version', 'tasks', 'found by', 'state'] }));
  if (flags.recipes !== true) return;
  for (const [task, name, source] of recipes) terminal.record({ type: 'recipe', task, name, source });
  terminal.print('', ...formatTable(recipes, { header: ['task', 'recipe', 'source'] }));
}
