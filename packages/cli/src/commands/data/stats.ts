import { Command } from 'commander';
import { optionJson } from '../../settings/common-options.js';
import { formatTable } from '../../terminal/table.js';
import { createProcessTerminal } from '../../terminal/terminal.js';

interface StatsFlags {
  readonly split?: string;
  readonly json?: true;
}

export function dataStatsCommand(): Command {
  return new Command('stats')
    .description('count the pictures, objects and classes of a COCO data set')
    .argument('<path>', 'the data set, or its annotation file')
    .option('--split <name>', 'the split (default: train, or the only one)')
    .addOption(optionJson())
    .addHelpText('after', '\nExample:\n  mae-tasks data stats coco/ --split val')
    .action(async (path: string, flags: StatsFlags) => {
      const terminal = createProcessTerminal({ json: flags.json === true });
      const { cocoStats, loadCoco, locateCoco } = await import('@mae-tasks/core-mae/coco');
      const layout = locateCoco(path, flags.split === undefined ? {} : { split: flags.split });
      const { annotations, warnings } = loadCoco(layout.annotationFile);
      for (const warning of warnings) terminal.warn(warning);
      const stats = cocoStats(annotations);
      const { byKind, bySize, objectsPerImage, width, height } = stats;
      const spread = (values: typeof width): string =>
        values === undefined
          ? 'unknown'
          : `${values.min} – ${values.max}, median ${values.median}, mean ${values.mean.toFixed(1)}`;
      terminal.print(
        ...formatTable([
          ['file', stats.file],
          ['pictures', `${stats.images} (${stats.imagesWithoutAnnotations} without objects)`],
          ['objects', `${stats.annotations} (${stats.crowds} crowds)`],
          ['outlines', `${byKind.polygons} polygons, ${byKind.runs} runs, ${byKind.boxesOnly} boxes alone`],
          ['sizes', `${bySize.small} small (< 32²), ${bySize.medium} medium, ${bySize.large} large (≥ 96²)`],
          ['objects a picture', spread(objectsPerImage)],
          ['width', spread(width)],
          ['height', spread(height)],
        ]),
      );
      const rows = stats.categories.map(({ id, name, instances, images }) => [
        String(id),
        name,
        String(instances),
        String(images),
      ]);
      const header = ['id', 'class', 'objects', 'pictures'];
      terminal.print('', ...formatTable(rows, { header, align: ['right', 'left', 'right', 'right'] }));
      terminal.record({ ...stats });
    });
}
