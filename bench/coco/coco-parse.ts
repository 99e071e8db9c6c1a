import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { loadCoco } from '../../packages/core-mae/src/data/coco/parse.js';
import { largeInstancesFile } from './coco-data.js';
import { benchFile, compare, type Comparison, reportMeasurement } from '../compare.js';

/** Reading an instances file of 450 MB, its index included, against pycocotools' `COCO(file)`. */
export function run(): Comparison[] {
  const path = largeInstancesFile(450);
  return [compare('coco-parse', 3, [benchFile('coco/coco-parse.ts'), path], [benchFile('peers/coco-parse.py'), path])];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const start = performance.now();
  const { annotations } = loadCoco(process.argv[2]!);
  console.log(`${annotations.size} annotations`);
  reportMeasurement((performance.now() - start) / 1000);
}
