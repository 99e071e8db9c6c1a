import { constants, existsSync, statSync } from 'node:fs';
import { access } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { harmlessJson } from '@mae-tasks/core-mae/find-plugins';
import type { PictureIdentity, PredictedFile, Sample } from '@mae-tasks/core-mae/task';
import { Command, Option } from 'commander';
import { addUseOptions, optionOut, optionValueRange, type UseFlags } from '../settings/common-options.js';
import { DRAW_PLACE, requireDrawPlace, writeDrawings } from '../terminal/drawings.js';
import { formatTable } from '../terminal/table.js';
import { createLeftOut } from '../terminal/left-out.js';
import { openEngine } from '../settings/open-engine.js';
import { createProcessTerminal, type Terminal } from '../terminal/terminal.js';
import { plainText, type Text } from '../terminal/text.js';

interface PredictFlags extends UseFlags {
  readonly format: 'table' | 'json' | 'csv';
  readonly out?: string;
  readonly draw?: string;
  readonly save?: string;
  readonly valueRange?: readonly [number, number];
  readonly data?: string;
}

/** Pictures on a sheet. */
const DRAWN = 16;

export function predictCommand(): Command {
  return addUseOptions(
    new Command('predict')
      .argument('<run>', "a fine-tuning run's folder, or a checkpoint")
      .argument('<pictures...>', 'pictures, folders of pictures, or patterns in quotes'),
  )
    .description('let a fine-tuned model answer for pictures')
    .addOption(new Option('--format <format>', 'of the answers').choices(['table', 'json', 'csv']).default('table'))
    .option(
      '--data <path>',
      'data whose annotation file names the pictures; of weights without a run: with their classes',
    )
    .addOption(optionValueRange())
    .addOption(optionOut('the file to write them to (default: the terminal)'))
    .option('--draw <place>', `draw the first ${DRAWN} pictures with their answers into ${DRAW_PLACE}`)
    .option('--save <folder>', "write every picture's own files (index maps, drawings) into this folder")
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
  const { MaeError, pictureList, predictTask } = await import('@mae-tasks/core-mae');
  const { createFolder, csvText, distinctNames, writeFileAtomically } = await import('@mae-tasks/core-mae/run');
  const { classesFrom, openLoadedTask } = await import('../plugins/loaded-task.js');
  const { loaded } = await openLoadedTask(place, flags, terminal, classesFrom(flags.data, flags.task));
  if (flags.draw !== undefined) await requireDrawPlace(flags.draw);
  // Hours of answers should not end at a folder that cannot be written to.
  if (flags.out !== undefined) await requireWritable(flags.out);
  const data = await pictureList(pictures, { followLinks: flags.followLinks === true });
  for (const warning of data.warnings) terminal.warn(warning);
  const identityOf = await identitiesIn(flags.data, terminal);
  const engine = await openEngine(terminal, flags);
  const { prediction } = loaded.model;
  if (flags.save !== undefined && prediction.files === undefined) {
    throw new MaeError('CONFIG_INVALID', {
      what: `the task "${loaded.task.name}" makes no files of its answers`,
      where: '--save',
      fix: 'use --out for the answers, --draw for a sheet of pictures',
    });
  }
  // Only what is written in the end is kept: a whole result may be as large as its picture.
  const rows: Array<ReadonlyArray<string | number>> = [];
  const records: object[] = [];
  const drawn: { readonly samples: Sample[]; readonly results: unknown[] } = { samples: [], results: [] };
  let numFiles = 0;
  const distinct = distinctNames();
  const leftOut = createLeftOut(terminal);
  let numPictures = 0;
  try {
    const batches = predictTask({
      engine,
      loaded,
      data,
      batchSize: flags.batchSize,
      valueRange: flags.valueRange,
      reportBadImage: leftOut.report,
      reportWarning: (message) => {
        terminal.warn(message);
      },
    });
    for await (const { samples, results } of batches) {
      numPictures += samples.length;
      terminal.showLive(`${numPictures} of ${data.size} pictures`);
      for (const [index, sample] of samples.entries()) {
        const result = results[index];
        const entries = prediction.records?.(sample, result, identityOf(sample.id)) ?? [
          { picture: sample.id, ...asRecord(result) },
        ];
        if (flags.format === 'json') for (const entry of entries) records.push(entry);
        else for (const row of prediction.rows(result)) rows.push([sample.id, ...row]);
        terminal.record({ type: 'prediction', picture: sample.id, entries });
        if (flags.draw === undefined || drawn.samples.length >= DRAWN) continue;
        drawn.samples.push(sample);
        drawn.results.push(result);
      }
      if (flags.save !== undefined) {
        const files = await prediction.files!(samples, results);
        await saveFiles(flags.save, files, distinct);
        numFiles += files.length;
      }
    }
    if (flags.save !== undefined) terminal.print(`Wrote ${numFiles} files into ${flags.save}`);
    if (flags.draw !== undefined && prediction.draw !== undefined) {
      for (const path of await writeDrawings(flags.draw, await prediction.draw(drawn.samples, drawn.results))) {
        terminal.print(`Wrote ${path}`);
        terminal.record({ type: 'sheet', path });
      }
    }
  } finally {
    terminal.clearLive();
    await engine.dispose();
  }
  terminal.record({ type: 'predictions', pictures: numPictures, leftOut: leftOut.ids });
  const columns = ['picture', ...prediction.columns];
  const table = (): Text[] =>
    formatTable(
      rows.map((row) => row.map(String)),
      { header: columns },
    );
  const answers =
    flags.format === 'json' ? `${harmlessJson(JSON.stringify(records, null, 2))}\n` : csvText(columns, rows);
  if (flags.out !== undefined) {
    const text =
      flags.format === 'table'
        ? table()
            .map((line) => `${plainText(line)}\n`)
            .join('')
        : answers;
    await createFolder(dirname(flags.out));
    await writeFileAtomically(flags.out, text);
    terminal.print(`Wrote ${flags.out}`);
  } else if (!terminal.json) {
    if (flags.format === 'table') terminal.printAll(table());
    else terminal.data(answers);
  }
  leftOut.summarize(data.size);
}

/** Makes the folder of a file that is to be written. @throws MaeError `CONFIG_INVALID` or `WRITE_FAILED` */
async function requireWritable(file: string): Promise<void> {
  const { MaeError } = await import('@mae-tasks/core-mae');
  const { createFolder } = await import('@mae-tasks/core-mae/run');
  if (existsSync(file) && statSync(file).isDirectory()) {
    throw new MaeError('CONFIG_INVALID', { what: 'this is a folder', where: file, fix: 'name a file by --out' });
  }
  await createFolder(dirname(file));
  await access(dirname(file), constants.W_OK);
}

/** What the annotation files of the data call the pictures, where the data has such files. */
async function identitiesIn(
  data: string | undefined,
  terminal: Terminal,
): Promise<(picture: string) => PictureIdentity | undefined> {
  if (data === undefined) return () => undefined;
  const { cocoReader, pictureIdentities } = await import('@mae-tasks/core-mae/run');
  if (!(await cocoReader.recognizes(data))) return () => undefined;
  const identityOf = pictureIdentities(data);
  let unknown = 0;
  return (picture) => {
    const identity = identityOf(picture);
    if (identity === undefined && ++unknown === 1) {
      terminal.warn(
        `${picture}: ${data} does not list it; it is called by its own name, as all others that are not listed`,
      );
    }
    return identity;
  };
}

/** @param distinct keeps files apart that are one where case is ignored */
async function saveFiles(
  folder: string,
  files: readonly PredictedFile[],
  distinct: (path: string) => string,
): Promise<void> {
  const { createFolder, writeFileAtomically } = await import('@mae-tasks/core-mae/run');
  for (const { path, bytes } of files) {
    const target = join(folder, distinct(path));
    await createFolder(dirname(target));
    await writeFileAtomically(target, bytes);
  }
}

function asRecord(result: unknown): object {
  return typeof result === 'object' && result !== null && !Array.isArray(result) ? result : { result };
}
