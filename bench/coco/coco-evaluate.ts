import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { evaluateCoco } from '../../packages/core-mae/src/data/coco/evaluation/evaluate.js';
import { loadCoco } from '../../packages/core-mae/src/data/coco/parse.js';
import { loadResults } from '../../packages/core-mae/src/data/coco/results.js';
import { evaluationFiles } from './coco-data.js';
import { benchFile, compare, type Comparison, reportMeasurement } from '../compare.js';

/**
 * Scoring 5,000 pictures × 100 detections × 80 classes against pycocotools: reading both files, matching,
 * accumulating and summing up.
 */
export function run(): Comparison[] {
  const files = evaluationFiles();
  return (['bbox', 'segm'] as const).map((type) =>
    compare(
      `coco-evaluate-${type}`,
      3,
      [benchFile('coco/coco-evaluate.ts'), type, files.annotations, files[type]],
      [benchFile('peers/coco-evaluate.py'), type, files.annotations, files[type]],
    ),
  );
}

function measure(type: 'bbox' | 'segm', annotationPath: string, resultPath: string): void {
  const start = performance.now();
  const { annotations } = loadCoco(annotationPath);
  const { detections } = loadResults(resultPath, annotations);
  const { stats } = evaluateCoco(annotations, detections, { type });
  console.log(stats.join(' '));
  reportMeasurement((performance.now() - start) / 1000);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [type, annotationPath, resultPath] = process.argv.slice(2);
  measure(type === 'segm' ? 'segm' : 'bbox', annotationPath!, resultPath!);
}
