import { dirname } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import {
  optionData,
  optionDevice,
  optionFollowLinks,
  optionJson,
  optionLimit,
  optionOut,
  optionPlugin,
  optionSeed,
  optionSetForWeights,
} from '../settings/common-options.js';
import { openRegistryOf } from '../plugins/open-registry.js';
import { openEngine } from '../settings/open-engine.js';
import { createLeftOut } from '../terminal/left-out.js';
import { createProcessTerminal } from '../terminal/terminal.js';

interface VisualizeFlags {
  readonly checkpoint: string;
  readonly data: string;
  readonly out: string;
  readonly maskRatio: readonly number[];
  readonly normPixLoss?: boolean;
  readonly limit?: number;
  readonly seed?: number;
  readonly device?: string;
  readonly json?: true;
  readonly followLinks?: true;
  readonly set?: readonly string[];
  readonly plugin?: readonly string[];
}

/** Pictures on a sheet where --limit says nothing. */
const DEFAULT_COUNT = 8;

export function visualizeCommand(): Command {
  return new Command('visualize')
    .description('draw what a pretrained model reconstructs of pictures')
    .requiredOption('--checkpoint <path>', "a run's folder, or a checkpoint file (.safetensors, .pth, Hugging Face)")
    .addOption(optionData().makeOptionMandatory())
    .addOption(optionFollowLinks())
    .addOption(
      new Option('--mask-ratio <ratios>', 'shares of the patches to remove; several give one column each')
        .argParser(parseRatios)
        .default([0.75], '0.75'),
    )
    .option('--norm-pix-loss', 'the checkpoint predicts normalised patches (a run knows this itself)')
    .addOption(optionOut('the PNG file to write').default('reconstructions.png'))
    .addOption(optionLimit())
    .addOption(optionSetForWeights())
    .addOption(optionSeed())
    .addOption(optionPlugin())
    .addOption(optionDevice())
    .addOption(optionJson())
    .addHelpText(
      'after',
      '\nExample:\n  mae-tasks visualize --checkpoint runs/pretrain --data photos/ --mask-ratio 0.5,0.75,0.9',
    )
    .action(async (flags: VisualizeFlags) => {
      const terminal = createProcessTerminal({ json: flags.json === true });
      const { loadMae } = await import('@mae-tasks/core-mae');
      const { createFolder, openPictures, visualize, writeFileAtomically } = await import('@mae-tasks/core-mae/run');
      const { parseAssignment, withOverrides } = await import('../settings/config.js');
      const loaded = await loadMae(flags.checkpoint, {
        settings: withOverrides({}, (flags.set ?? []).map(parseAssignment)),
        reportWarning: (message) => {
          terminal.warn(message);
        },
      });
      const mae = flags.normPixLoss === true ? { ...loaded, mask: { ...loaded.mask, normPixLoss: true } } : loaded;
      const { readers } = await openRegistryOf(flags.checkpoint, flags, (message) => {
        terminal.warn(message);
      });
      const data = await openPictures(flags.data, readers, { followLinks: flags.followLinks === true });
      const engine = await openEngine(terminal, flags);
      try {
        const png = await visualize({
          engine,
          mae,
          data,
          count: flags.limit ?? DEFAULT_COUNT,
          maskRatios: flags.maskRatio,
          seed: flags.seed ?? 0,
          reportBadImage: createLeftOut(terminal).report,
          reportWarning: (message) => {
            terminal.warn(message);
          },
        });
        await createFolder(dirname(flags.out));
        await writeFileAtomically(flags.out, png);
      } finally {
        await engine.dispose();
      }
      terminal.print(`Wrote ${flags.out}`);
      terminal.record({ type: 'sample', path: flags.out });
    });
}

function parseRatios(text: string): number[] {
  const ratios = text.split(',').map(Number);
  if (ratios.some((ratio) => !(ratio > 0 && ratio < 1))) {
    throw new InvalidArgumentError('Give numbers between 0 and 1 with commas between them, for example 0.5,0.75.');
  }
  return ratios;
}
