import { Command, Option } from 'commander';
import { createProcessTerminal } from '../../terminal/terminal.js';

interface EvaluateFlags {
  readonly annotations: string;
  readonly results: string;
  readonly type: 'bbox' | 'segm';
  readonly classAgnostic?: true;
  readonly curves?: string;
  readonly json?: true;
}

export function dataEvaluateCommand(): Command {
  return new Command('evaluate')
    .description("score any detector's results file as COCO does")
    .requiredOption('--annotations <file>', 'the annotation file')
    .requiredOption('--results <file>', "the results file, in COCO's format")
    .addOption(new Option('--type <type>', 'compare boxes or masks').choices(['bbox', 'segm']).default('bbox'))
    .option('--class-agnostic', 'take all classes for one')
    .option('--curves <file>', 'write precision by recall as a picture, .svg or .png')
    .option('--json', 'print {"stats": [12 numbers], "perCategory": [...]} instead of text')
    .addHelpText('after', '\nExample:\n  mae-tasks data evaluate --annotations instances_val.json --results boxes.json')
    .action(async (flags: EvaluateFlags) => {
      const terminal = createProcessTerminal({ json: flags.json === true });
      const { categoryTable, evaluationLines, precisionRecallSvg, scoreResults } =
        await import('@mae-tasks/core-mae/coco');
      const { writeFileAtomically } = await import('@mae-tasks/core-mae/run');
      const { renderPng, outlineText } = await import('@mae-tasks/core-mae/task');
      const { evaluation, warnings } = scoreResults({
        annotations: flags.annotations,
        results: flags.results,
        type: flags.type,
        classAgnostic: flags.classAgnostic === true,
      });
      for (const warning of warnings) terminal.warn(warning);
      terminal.print(...evaluationLines(evaluation));
      terminal.print('');
      terminal.printAll(categoryTable(evaluation.perCategory));
      if (flags.curves !== undefined) {
        const picture = flags.curves.toLowerCase().endsWith('.png')
          ? await renderPng(precisionRecallSvg(evaluation, { theme: 'light', drawText: outlineText }))
          : precisionRecallSvg(evaluation);
        await writeFileAtomically(flags.curves, picture);
        terminal.print(`Wrote ${flags.curves}`);
      }
      terminal.record({ stats: evaluation.stats, perCategory: evaluation.perCategory });
    });
}
