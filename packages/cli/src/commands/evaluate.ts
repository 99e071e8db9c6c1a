import { join } from 'node:path';
import type { Dataset, LoadedTaskModel, Registry } from '@mae-tasks/core-mae';
import type { EvaluationTable } from '@mae-tasks/core-mae/task';
import { Command } from 'commander';
import { addUseOptions, optionData, optionLimit, optionOut, type UseFlags } from '../settings/common-options.js';
import { formatMetric } from '../terminal/format-number.js';
import { shortPath } from '../training/follow-run.js';
import { DRAW_PLACE, requireDrawPlace, writeDrawings } from '../terminal/drawings.js';
import { createLeftOut } from '../terminal/left-out.js';
import { formatTable } from '../terminal/table.js';
import { openEngine } from '../settings/open-engine.js';
import { createProcessTerminal } from '../terminal/terminal.js';
import type { Text } from '../terminal/text.js';

interface EvaluateFlags extends UseFlags {
  readonly data?: string;
  readonly split?: string;
  readonly limit?: number;
  readonly out?: string;
  readonly draw?: string;
}

/** Pictures on a sheet. */
const DRAWN = 16;

export function evaluateCommand(): Command {
  return addUseOptions(new Command('evaluate').argument('<run>', "a fine-tuning run's folder, or a checkpoint"))
    .description('measure a fine-tuned model on labelled data')
    .addOption(optionData())
    .option('--split <name>', 'a split of the data (default: val where there is one)')
    .addOption(optionOut("folder for tables and pictures (default: the run's evaluation/)"))
    .option('--draw <place>', `draw the first ${DRAWN} pictures beside the truth into ${DRAW_PLACE}`)
    .addOption(optionLimit())
    .addHelpText('after', '\nExample:\n  mae-tasks evaluate runs/classify/latest --data photos/')
    .action(async (place: string, flags: EvaluateFlags) => {
      await evaluate(place, flags);
    });
}

async function evaluate(place: string, flags: EvaluateFlags): Promise<void> {
  const terminal = createProcessTerminal({ json: flags.json === true });
  const { evaluateTask } = await import('@mae-tasks/core-mae');
  const { createFolder, csvText, drawTask, writeFileAtomically } = await import('@mae-tasks/core-mae/run');
  if (flags.draw !== undefined) await requireDrawPlace(flags.draw);
  const { openLoadedTask } = await import('../plugins/loaded-task.js');
  const { registry, loaded } = await openLoadedTask(place, flags, terminal, (all) =>
    openData(flags, undefined, all, all.tasks.get(flags.task ?? '')?.formats, () => undefined),
  );
  const data = await openData(flags, loaded, registry, loaded.task.formats, (message) => {
    terminal.warn(message);
  });
  for (const warning of data.warnings) terminal.warn(warning);
  const engine = await openEngine(terminal, flags);
  try {
    const leftOut = createLeftOut(terminal);
    const { details, pictures, ...evaluation } = await evaluateTask({
      engine,
      loaded,
      data,
      batchSize: flags.batchSize,
      reportBadImage: leftOut.report,
      reportWarning: (message) => {
        terminal.warn(message);
      },
    });
    const metrics = namedForSplit(evaluation.metrics, flags.split);
    leftOut.summarize(data.size);
    const counted = leftOut.ids.length === 0 ? `${pictures}` : `${pictures} of ${data.size}`;
    terminal.print(`${loaded.task.name} ${shortPath(loaded.path)} on ${data.name}, ${counted} pictures`);
    terminal.print(...formatTable(Object.entries(metrics).map(([name, value]) => [name, formatMetric(value)])));
    const folder = flags.out ?? join(loaded.path, '..', '..', 'evaluation');
    const files: string[] = [];
    const write = async (name: string, content: string | Uint8Array): Promise<void> => {
      const path = join(folder, name);
      await writeFileAtomically(path, content);
      files.push(path);
    };
    await createFolder(folder);
    const counts = { data: data.name, pictures, leftOut: leftOut.ids, metrics };
    await write('metrics.json', `${JSON.stringify(counts, null, 2)}\n`);
    for (const table of details?.tables ?? []) {
      terminal.print('');
      terminal.printAll(shownTable(table));
      await write(`${table.name}.csv`, csvText(table.columns, table.rows));
    }
    for (const { name, png } of details?.drawings ?? []) await write(`${name}.png`, png);
    if (flags.draw !== undefined) {
      const drawings = await drawTask({ engine, loaded, data, count: DRAWN });
      files.push(...(await writeDrawings(flags.draw, drawings)));
    }
    terminal.record({ type: 'evaluation', weights: loaded.path, ...counts, files });
    terminal.print('', `Wrote ${files.map(shortPath).join(', ')}`);
  } finally {
    await engine.dispose();
  }
}

/** The data that is named (its `val` split where it has one), or what the training held out. */
async function openData(
  { data, split, limit, followLinks }: EvaluateFlags,
  loaded: LoadedTaskModel | undefined,
  { readers }: Registry,
  formats: readonly string[] | undefined,
  warn: (message: string) => void,
): Promise<Dataset> {
  const { createRandom, MaeError } = await import('@mae-tasks/core-mae');
  const { openHeldOut, openSplit, takeSample } = await import('@mae-tasks/core-mae/run');
  const trained = loaded?.config.data;
  if (loaded !== undefined && data === undefined && split === undefined) {
    const all = withoutLimit(loaded.config.data);
    const heldOut = await openHeldOut(all, readers, loaded.config.seed, formats);
    if (heldOut !== undefined) return limited(heldOut);
    warn('The run held nothing out: these are the pictures that it was trained on. Name others by --data.');
  }
  // Held-out data at a path of its own is the training's `val`, and has no other splits.
  const own = split === undefined || split === 'val' ? trained?.val : undefined;
  const path = data ?? own ?? trained?.path;
  if (path === undefined) {
    throw new MaeError('CONFIG_INVALID', { what: '--data is missing', fix: 'name the data to measure on' });
  }
  // Other data than the training's may be of another format.
  const format = path === trained?.path || path === trained?.val ? trained.format : 'auto';
  const layout =
    path === trained?.path || trained === undefined ? trained : { ...trained, images: null, annotations: null };
  const named = data === undefined && path === own ? undefined : split;
  const opened = await openSplit(path, readers, {
    ...{ split: named, preferred: 'val', format, formats, layout, followLinks },
    reading: trained && withoutLimit(trained),
  });
  return limited(opened);

  function limited(whole: Dataset): Dataset {
    return limit === undefined ? whole : takeSample(whole, limit, createRandom(0));
  }
}

/** The settings without the number of broken pictures that stops a training: here each is named, and none is counted. */
function withoutLimit<Reading extends { readonly maxBadImages: number | null }>(reading: Reading): Reading {
  return { ...reading, maxBadImages: Infinity };
}

/** The metrics of a split that is not `val` by its name: `testTop1` where training has `valTop1`. */
function namedForSplit(metrics: Readonly<Record<string, number>>, split = 'val'): Readonly<Record<string, number>> {
  const renamed = Object.entries(metrics).map(([name, value]) => [name.replace(/^val(?=[A-Z])/u, split), value]);
  return Object.fromEntries(renamed) as Readonly<Record<string, number>>;
}

/** At most this many rows are shown; the file has all. */
const SHOWN_ROWS = 40;

function shownTable({ columns, rows }: EvaluationTable): Text[] {
  const shown = rows.slice(0, SHOWN_ROWS).map((row) => row.map(String));
  const table = formatTable(shown, {
    header: columns,
    align: columns.map((_, index) => (index === 0 ? 'left' : 'right')),
  });
  return rows.length > SHOWN_ROWS ? [...table, `… ${rows.length - SHOWN_ROWS} more`] : table;
}
