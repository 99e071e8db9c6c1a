import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { createRandom } from '../../packages/core-mae/src/base/random.js';
import { nonMaximumSuppression, pasteMask } from '../../packages/plugin-detect/src/index.js';
import { benchFile, compare, type Comparison, reportMeasurement } from '../compare.js';

const ROUNDS = 5;
const RUNS = 21;
const BOXES = 5000;
const MASKS = 100;
const MASK_SIDE = 28;
const PICTURE = { width: 1200, height: 800 };
const THRESHOLD = 0.7;

/** Suppression among 5,000 boxes and 100 masks pasted into a picture of 1200 × 800 against torchvision's, on the same numbers. */
export function run(): Comparison[] {
  const folder = mkdtempSync(join(tmpdir(), 'mae-bench-'));
  try {
    const path = join(folder, 'numbers.bin');
    writeFileSync(path, makeNumbers());
    return ['nms', 'paste'].map((what) =>
      compare(
        `detect-operations (${what})`,
        ROUNDS,
        [benchFile('detection/detect-operations.ts'), what, path],
        [benchFile('peers/torchvision_operations.py'), what, path, String(RUNS)],
      ),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Boxes `[5000, 4]` in clusters, as proposals are; scores; boxes `[100, 4]` and probabilities `[100, 28, 28]` of masks. */
function makeNumbers(): Uint8Array {
  const random = createRandom(0);
  const box = (x: number, y: number, spread: number): number[] => {
    const [left, top] = [x + spread * random.normal(), y + spread * random.normal()];
    return [left, top, left + 40 + 160 * random.uniform(), top + 40 + 160 * random.uniform()];
  };
  const place = (): [number, number] => [1000 * random.uniform(), 600 * random.uniform()];
  const centres = Array.from({ length: 60 }, place);
  const boxes = Array.from({ length: BOXES }, (_, i) => box(...centres[i % centres.length]!, 20)).flat();
  const scores = Array.from({ length: BOXES }, () => random.uniform());
  const maskBoxes = Array.from({ length: MASKS }, () => box(...place(), 0)).flat();
  const probabilities = Array.from({ length: MASKS * MASK_SIDE ** 2 }, () => random.uniform());
  return new Uint8Array(Float32Array.from([...boxes, ...scores, ...maskBoxes, ...probabilities]).buffer);
}

function measure(what: string, path: string): void {
  const bytes = readFileSync(path);
  const numbers = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  const [boxes, scores] = [numbers.subarray(0, 4 * BOXES), numbers.subarray(4 * BOXES, 5 * BOXES)];
  const maskBoxes = numbers.subarray(5 * BOXES, 5 * BOXES + 4 * MASKS);
  const probabilities = numbers.subarray(5 * BOXES + 4 * MASKS);
  const area = MASK_SIDE ** 2;
  const task = {
    nms: () => nonMaximumSuppression({ boxes, scores }, THRESHOLD).length,
    paste: () => {
      let pixels = 0;
      for (let i = 0; i < MASKS; i++) {
        pixels += pasteMask(probabilities.subarray(i * area, (i + 1) * area), maskBoxes, i, PICTURE).data.length;
      }
      return pixels;
    },
  }[what as 'nms' | 'paste'];
  const times: number[] = [];
  let outcome = 0;
  for (let index = 0; index < RUNS + 5; index++) {
    const start = performance.now();
    outcome = task();
    if (index >= 5) times.push((performance.now() - start) / 1000);
  }
  console.error(`${what}: ${outcome}`);
  reportMeasurement(times.sort((a, b) => a - b)[Math.floor(times.length / 2)]!);
}

// As a process of its own: one operation, measured.
if (process.argv[1] === fileURLToPath(import.meta.url)) measure(process.argv[2]!, process.argv[3]!);
