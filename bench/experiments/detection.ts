import { type Budget, compareArms, comparisonTable } from './comparison.js';
import { measureModel } from './detection-measures.js';
import { createRunner } from './runner.js';
import { markdownTable, writeResult } from './results.js';

export interface DetectionExperiment {
  /** Its settings are in a folder of this name: `finetune.yaml`. */
  readonly name: string;
  /** The experiment on segmentation whose encoder is used, and how long that is pretrained: once for both. */
  readonly encoder: { readonly experiment: string; readonly epochs: number };
  readonly budgets: readonly Budget[];
  /** Score from which on a detection is on the sheet: short trainings are seldom sure of a class. */
  readonly drawThreshold: number;
}

const METRICS = [
  ['valBoxAP', 'box AP'],
  ['valBoxAP50', 'box AP50'],
  ['valMaskAP', 'mask AP'],
  ['valBoxAP50Agnostic', 'box AP50, all classes as one'],
] as const;
/** Pictures on the sheets, evenly spread over those held out. */
const DRAWN = 6;

/** Fine-tunes a detector from the pretrained encoder and from random weights, at the same budgets. */
export async function compareDetection({ name, encoder, budgets, drawThreshold }: DetectionExperiment): Promise<void> {
  const encoders = createRunner(encoder.experiment, { jobs: 2, threads: 2 });
  const pretraining = await encoders.run(
    'pretrain',
    [
      ...['pretrain', '--config', `bench/experiments/${encoder.experiment}/pretrain.yaml`],
      ...['--epochs', String(encoder.epochs)],
    ],
    { keepWeights: true, alone: true },
  );
  const runner = createRunner(name, { jobs: 2, threads: 2 });
  const config = `bench/experiments/${name}/finetune.yaml`;
  const checkpoint = pretraining.folder;
  const measured = await compareArms(runner, { task: 'detect', config, checkpoint, budgets });
  writeResult(`${name}.json`, `${JSON.stringify({ pretraining, measured }, null, 2)}\n`);
  const parts = [comparisonTable(measured, budgets, METRICS, 3)];
  for (const { arm, labelled, run } of measured.filter(({ seed }) => seed === 0)) {
    const { objectAP50, classes, sheet } = await measureModel(run.folder, { numDrawn: DRAWN, drawThreshold });
    const rows = classes.rows.map((row) => row.map(String));
    const found = `Box AP50, all classes as one and suppressing each other: ${objectAP50.toFixed(3)}.`;
    const byClass = markdownTable(classes.columns, rows);
    parts.push(`${arm}, ${labelled} labelled pictures, first seed. ${found} By class:\n\n${byClass}`);
    if (arm === 'pretrained' && labelled === budgets.at(-1)!.labelled) writeResult(`${name}-${labelled}.png`, sheet);
  }
  writeResult(`${name}.md`, parts.join('\n'));
}
