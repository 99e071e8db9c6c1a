import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Sample } from '@mae-tasks/core-mae';
import { Command, Option } from 'commander';
import { addUseOptions, optionOut, type UseFlags } from '../common-options.js';
import { csvText } from '../csv.js';
import { formatTable } from '../table.js';
import { createProcessTerminal } from '../terminal.js';

interface PredictFlags extends UseFlags {
  readonly format: 'table' | 'json' | 'csv';
  readonly out?: string;
  readonly draw?: string;
}

/** Pictures on a sheet. */
const DRAWN = 16;

export function predictCommand(): Command {
  return addUseOptions(
    new Command('predict')
      .argument('<run>', "a fine-tuning run's folder, or a checkpoint")
      .argument('<pictures...>', 'pictures or folders of pictures'),
  )
    .description('let a fine-tuned model answer for pictures')
    .addOption(new Option('--format <format>', 'of the answers').choices(['table', 'json', 'csv']).default('table'))
    .addOption(optionOut('the file to write them to (default: the terminal)'))
    .option('--draw <folder>', `draw the first ${DRAWN} pictures with their answers into this folder`)
    .addHelpText(
      'after',
      '\nExample:\n  mae-tasks predict runs/classify/latest holiday/ --format csv --out answers.csv',
    )
    .action(async (place: string, pictures: readonly string[], flags: PredictFlags) => {
      await predict(place, pictures, flags);
    });
}

async function predict(place: string, pictures: readonly string[], flags: PredictFlags): Promise<void> {
  const terminal = createProcessTerminal({ json: flags.json === true });
  const core = await import('@mae-tasks/core-mae');
  const { openLoadedTask } = await import('../loaded-task.js');
  const { loaded } = await openLoadedTask(place, flags, terminal);
  const data = await core.pictureList(pictures);
  const device = core.checkSettings(core.runSettings.shape.device, flags.device, '--device');
  const engine = await core.createEngine({ device });
  const { prediction } = loaded.model;
  const all: Array<{ readonly picture: string; readonly result: unknown }> = [];
  const drawn: { readonly samples: Sample[]; readonly results: unknown[] } = { samples: [], results: [] };
  try {
    const batches = core.predictTask({
      engine,
      loaded,
      data,
      batchSize: flags.batchSize,
      reportBadImage: ({ error }) => {
        terminal.warn(`passed over: ${error.message}`);
      },
    });
    for await (const { samples, results } of batches) {
      for (const [index, sample] of samples.entries()) {
        all.push({ picture: sample.id, result: results[index] });
        terminal.record({ type: 'prediction', picture: sample.id, result: results[index] });
        if (drawn.samples.length >= DRAWN) continue;
        drawn.samples.push(sample);
        drawn.results.push(results[index]);
      }
    }
    if (flags.draw !== undefined && prediction.draw !== undefined) {
      await core.createFolder(flags.draw);
      for (const { name, png } of await prediction.draw(drawn.samples, drawn.results)) {
        const path = join(flags.draw, `${name}.png`);
        await core.writeFileAtomically(path, png);
        terminal.print(`Wrote ${path}`);
      }
    }
  } finally {
    await engine.dispose();
  }
  const columns = ['picture', ...prediction.columns];
  const rows = all.flatMap(({ picture, result }) => prediction.rows(result).map((row) => [picture, ...row]));
  const text =
    flags.format === 'json'
      ? `${JSON.stringify(
          all.map(({ picture, result }) => ({ picture, ...asRecord(result) })),
          null,
          2,
        )}\n`
      : flags.format === 'csv'
        ? csvText(columns, rows)
        : `${formatTable(
            rows.map((row) => row.map(String)),
            { header: columns },
          )}\n`;
  if (flags.out !== undefined) {
    await writeFile(flags.out, text);
    terminal.print(`Wrote ${flags.out}`);
  } else if (!terminal.json) {
    process.stdout.write(text);
  }
}

function asRecord(result: unknown): object {
  return typeof result === 'object' && result !== null && !Array.isArray(result) ? result : { result };
}
