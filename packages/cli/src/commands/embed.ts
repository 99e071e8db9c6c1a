import { extname } from 'node:path';
import type { Embedding } from '@mae-tasks/core-mae';
import { Command, Option } from 'commander';
import {
  numberValue,
  optionDevice,
  optionFollowLinks,
  optionJson,
  optionOut,
  optionPlugin,
  optionSetForWeights,
  optionValueRange,
  wholeNumber,
} from '../settings/common-options.js';
import { openRegistryOf } from '../plugins/open-registry.js';
import { openEngine } from '../settings/open-engine.js';
import { createLeftOut } from '../terminal/left-out.js';
import { createProcessTerminal } from '../terminal/terminal.js';

interface EmbedFlags {
  readonly out: string;
  readonly pool: 'mean' | 'class-token';
  readonly batchSize?: number;
  readonly cropPct?: number;
  readonly valueRange?: readonly [number, number];
  readonly plugin?: readonly string[];
  readonly device?: string;
  readonly json?: true;
  readonly followLinks?: true;
  readonly set?: readonly string[];
}

export function embedCommand(): Command {
  return new Command('embed')
    .argument('<checkpoint>', "a run's folder, or a checkpoint file")
    .argument('<pictures...>', 'pictures, folders of pictures, or patterns in quotes')
    .description("write an encoder's features of pictures, for search and clustering")
    .addOption(optionOut('the file to write: .safetensors or .csv').default('features.safetensors'))
    .addOption(
      new Option('--pool <what>', 'what stands for a picture').choices(['mean', 'class-token']).default('mean'),
    )
    .addOption(new Option('--batch-size <number>', 'pictures in a batch').argParser(wholeNumber))
    .addOption(
      new Option(
        '--crop-pct <share>',
        "share of the shorter side that is looked at (the official evaluation's 0.875)",
      ).argParser(numberValue),
    )
    .addOption(optionValueRange())
    .addOption(optionFollowLinks())
    .addOption(optionSetForWeights())
    .addOption(optionPlugin())
    .addOption(optionDevice())
    .addOption(optionJson())
    .addHelpText('after', '\nExample:\n  mae-tasks embed runs/pretrain/latest photos/ --out features.csv')
    .action(async (checkpoint: string, pictures: readonly string[], flags: EmbedFlags) => {
      await embedPictures(checkpoint, pictures, flags);
    });
}

async function embedPictures(checkpoint: string, pictures: readonly string[], flags: EmbedFlags): Promise<void> {
  const terminal = createProcessTerminal({ json: flags.json === true });
  const { embed, pictureList, saveCheckpoint } = await import('@mae-tasks/core-mae');
  const { csvText, writeFileAtomically } = await import('@mae-tasks/core-mae/run');
  const { parseAssignment, withOverrides } = await import('../settings/config.js');
  const registry = await openRegistryOf(checkpoint, flags, (message) => {
    terminal.warn(message);
  });
  const data = await pictureList(pictures, { followLinks: flags.followLinks === true });
  for (const warning of data.warnings) terminal.warn(warning);
  const engine = await openEngine(terminal, flags);
  const embeddings: Embedding[] = [];
  const leftOut = createLeftOut(terminal);
  try {
    const features = embed({
      engine,
      checkpoint,
      registry,
      data,
      pooling: flags.pool,
      batchSize: flags.batchSize ?? 64,
      cropPct: flags.cropPct,
      settings: withOverrides({}, (flags.set ?? []).map(parseAssignment)),
      valueRange: flags.valueRange,
      reportBadImage: leftOut.report,
      reportWarning: (message) => {
        terminal.warn(message);
      },
    });
    for await (const embedding of features) {
      embeddings.push(embedding);
      terminal.showLive(`${embeddings.length} of ${data.size} pictures`);
    }
  } finally {
    terminal.clearLive();
    await engine.dispose();
  }
  const width = embeddings[0]!.features.length;
  if (extname(flags.out) === '.csv') {
    const columns = ['picture', ...Array.from({ length: width }, (_, index) => `f${index}`)];
    await writeFileAtomically(
      flags.out,
      csvText(
        columns,
        embeddings.map(({ id, features }) => [id, ...features]),
      ),
    );
  } else {
    const name = 'features';
    const values = new Float32Array(embeddings.length * width);
    embeddings.forEach(({ features }, index) => {
      values.set(features, index * width);
    });
    const parameter = { name, shape: [embeddings.length, width], data: values };
    const ids = JSON.stringify(embeddings.map(({ id }) => id));
    await saveCheckpoint(flags.out, new Map([[name, parameter]]), { metadata: { pictures: ids } });
  }
  terminal.record({ type: 'features', path: flags.out, pictures: embeddings.length, leftOut: leftOut.ids, width });
  leftOut.summarize(data.size);
  terminal.print(`Wrote ${flags.out}: ${embeddings.length} pictures × ${width} features`);
}
