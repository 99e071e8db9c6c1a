import { dirname } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { addUseOptions, optionOut, type UseFlags, wholeNumber } from '../settings/common-options.js';
import { createProcessTerminal } from '../terminal/terminal.js';

interface ExportFlags extends UseFlags {
  readonly format: string;
  readonly out?: string;
  readonly batch: number | 'dynamic';
  readonly data?: string;
}

export function exportCommand(): Command {
  return addUseOptions(new Command('export').argument('<run>', "a fine-tuning run's folder, or a checkpoint"))
    .description('write a fine-tuned model for use elsewhere')
    .option('--format <format>', 'safetensors, onnx, or one of a plugin', 'onnx')
    .option('--data <path>', 'for weights that are not of a run: data with the classes that they were trained on')
    .addOption(optionOut('the file to write (default: model.<format>)'))
    .addOption(
      new Option('--batch <number>', 'pictures that an ONNX file takes at a time, or dynamic: any number')
        .argParser(numberOrDynamic)
        .default('dynamic'),
    )
    .addHelpText('after', '\nExample:\n  mae-tasks export runs/classify/latest --format onnx --out classifier.onnx')
    .action(async (place: string, flags: ExportFlags) => {
      await exportModel(place, flags);
    });
}

function numberOrDynamic(text: string): number | 'dynamic' {
  if (text === 'dynamic') return text;
  const number = wholeNumber(text);
  if (number < 1) throw new InvalidArgumentError('It must be at least 1, or dynamic.');
  return number;
}

async function exportModel(place: string, flags: ExportFlags): Promise<void> {
  const terminal = createProcessTerminal({ json: flags.json === true });
  const { MaeError } = await import('@mae-tasks/core-mae');
  const { createFolder, exportedModel } = await import('@mae-tasks/core-mae/run');
  const { classesFrom, openLoadedTask } = await import('../plugins/loaded-task.js');
  const { registry, loaded } = await openLoadedTask(place, flags, terminal, classesFrom(flags.data, flags.task));
  const exporter = registry.exporters.get(flags.format);
  if (exporter === undefined) {
    throw new MaeError('CONFIG_INVALID', {
      what: `there is no --format ${flags.format}`,
      fix: `use one of ${[...registry.exporters.keys()].join(', ')}`,
    });
  }
  const path = flags.out ?? `model${exporter.extension}`;
  await createFolder(dirname(path));
  const files = await exporter.write(exportedModel(loaded), path, {
    batchSize: flags.batch === 'dynamic' ? 1 : flags.batch,
    anyBatchSize: flags.batch === 'dynamic',
    reportWarning: (message) => {
      terminal.warn(message);
    },
  });
  for (const file of files) {
    terminal.record({ type: 'exported', path: file, format: exporter.name });
    terminal.print(`Wrote ${file}`);
  }
}
