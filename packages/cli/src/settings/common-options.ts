/*
 * settings/: from flags and files to settings: flags that several commands share (this file), `--config` and `--set`,
 * a resumed run's own settings, the engine that they ask for.
 * Not here: defaults and checks: the schemas of core's `train/settings`.
 * Called by: commands.
 */

import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Override } from './config.js';

/** Flags that mean the same for every command that has them. */
export interface CommonFlags {
  readonly data?: string;
  readonly followLinks?: true;
  readonly out?: string;
  readonly model?: string;
  readonly epochs?: number;
  readonly minutes?: number;
  readonly batchSize?: number;
  readonly seed?: number;
  readonly limit?: number;
  readonly resume?: string | true;
  readonly allowChangedData?: true;
  readonly json?: true;
  readonly device?: string;
  readonly replicas?: number | 'auto';
  readonly config?: string;
  readonly set?: readonly string[];
  readonly plugin?: readonly string[];
}

export const optionData = (): Option => new Option('--data <path>', 'folder or file of pictures');
export const optionOut = (description: string): Option => new Option('--out <path>', description);
export const optionSeed = (): Option => new Option('--seed <number>', 'seed of all randomness').argParser(wholeNumber);
export const optionLimit = (): Option =>
  new Option('--limit <number>', 'use at most this many pictures').argParser(wholeNumber);
export const optionJson = (): Option => new Option('--json', 'one JSON object a line on stdout, text on stderr');
export const optionDevice = (): Option =>
  new Option('--device <name>', 'where to compute: auto, cpu, webgpu, cuda, tensorflow, wasm, javascript');

export const optionValueRange = (): Option =>
  new Option(
    '--value-range <low,high>',
    "the values that are black and white, of pictures of more than 8 bits (default: the training's data.valueRange)",
  ).argParser(parseValueRange);

function parseValueRange(text: string): readonly [number, number] {
  const [low, high, ...more] = text.split(',').map((part) => (part.trim() === '' ? NaN : Number(part)));
  if (low !== undefined && high !== undefined && more.length === 0 && low < high) return [low, high];
  throw new InvalidArgumentError('Give two numbers with a comma between them, the lower one first, such as 0,4095.');
}

export const optionFollowLinks = (): Option =>
  new Option('--follow-links', 'follow symbolic links out of the data set: where you trust it');

export const optionPlugin = (): Option =>
  new Option('--plugin <name...>', 'plugins besides those that the project depends on: packages or paths');

/** Of commands that use an encoder without training it. */
export const optionSetForWeights = (): Option =>
  new Option(
    '--set <key=value...>',
    "settings instead of what the weights' files say, for example model.numHeads=8 or checkpoint.prefix=teacher.backbone.",
  );

/** Flags that show what happens inside a training and change nothing of it. */
export interface InspectionFlags {
  readonly profile?: string;
  readonly debug?: 'nan';
}

/** Adds the flags of commands that train. */
export function addTrainingOptions(command: Command): Command {
  return addSettingOptions(
    command
      .addOption(optionOut("the run's folder (default: the next runs/<command>/run<N>)"))
      .option('--resume [run]', 'resume a run (default: the latest, or --out)')
      .option('--allow-changed-data', 'with --resume: go on with other pictures than the run began with')
      .option('--profile <file>', 'show where the time went, and write it there as a Chrome trace')
      .addOption(
        new Option('--debug <what>', 'nan: say where numbers stop being finite, should the loss').choices(['nan']),
      )
      .addOption(optionJson()),
  );
}

/** Adds the flags that stand for settings of every training. */
export function addSettingOptions(command: Command): Command {
  return command
    .addOption(optionData())
    .addOption(optionFollowLinks())
    .option('--model <preset>', 'tiny, small, base, large or huge')
    .addOption(new Option('--epochs <number>', 'times to go through the data').argParser(wholeNumber))
    .addOption(
      new Option('--minutes <number>', 'train as long as ends in that many minutes, instead of --epochs').argParser(
        numberValue,
      ),
    )
    .addOption(new Option('--batch-size <number>', 'pictures in a batch').argParser(wholeNumber))
    .addOption(optionSeed())
    .addOption(optionLimit())
    .addOption(optionDevice())
    .addOption(
      new Option('--replicas <number>', 'parts of a batch that run side by side, or auto to measure (1)').argParser(
        wholeNumberOrAuto,
      ),
    )
    .option('--config <file>', 'YAML file of settings; flags override it')
    .addOption(optionPlugin())
    .option('--set <key=value...>', 'any setting, for example optimizer.blr=1e-4 (repeatable)');
}

/** Flags of commands that use a fine-tuned model. */
export interface UseFlags {
  readonly task?: string;
  readonly model?: string;
  readonly batchSize?: number;
  readonly device?: string;
  readonly json?: true;
  readonly plugin?: readonly string[];
  readonly set?: readonly string[];
  readonly followLinks?: true;
}

export function addUseOptions(command: Command): Command {
  return command
    .option('--task <name>', 'for weights that are not of a run: their task')
    .option(
      '--model <preset>',
      "for weights that are not of a run: their preset (default: told from the weights' shapes)",
    )
    .addOption(new Option('--batch-size <number>', 'pictures in a batch').argParser(wholeNumber))
    .option('--set <key=value...>', "settings instead of the run's, for example classify.testTimeFlip=true")
    .addOption(optionFollowLinks())
    .addOption(optionPlugin())
    .addOption(optionDevice())
    .addOption(optionJson());
}

/** The settings that common flags stand for. */
export function commonOverrides(flags: CommonFlags): Override[] {
  return [
    ['data.path', flags.data],
    ['data.followLinks', flags.followLinks],
    ['model.preset', flags.model],
    ['epochs', flags.epochs],
    ['minutes', flags.minutes],
    ['batchSize', flags.batchSize],
    ['seed', flags.seed],
    ['data.limit', flags.limit],
    ['device', flags.device],
    ['replicas', flags.replicas],
    ['plugins', flags.plugin],
  ];
}

export function wholeNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isInteger(value)) throw new InvalidArgumentError('It must be a whole number.');
  return value;
}

function wholeNumberOrAuto(text: string): number | 'auto' {
  return text === 'auto' ? text : wholeNumber(text);
}

export function numberValue(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('It must be a number.');
  return value;
}
