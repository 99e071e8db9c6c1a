import { readFile } from 'node:fs/promises';
import * as onnx from 'onnxruntime-node';
import { expect } from 'vitest';
import { createLoader } from '#core/data/loading/loader.js';
import { pictureList } from '#core/data/readers/picture-list.js';
import { createRandom } from '#core/base/random.js';
import { exportedDetector, type RunProgram } from '@mae-tasks/plugin-detect';
import { expectClose } from '../models/reference.js';

/** An entry of what `predict --format json` prints for a detector. */
export interface CocoResult {
  readonly image_id: number | string;
  readonly category_id: number;
  readonly bbox: [number, number, number, number];
  readonly score: number;
  readonly segmentation?: { size: [number, number]; counts: string };
}

/** The list in what `predict --format json` prints. */
export function resultsIn(stdout: string): CocoResult[] {
  return JSON.parse(stdout.slice(stdout.indexOf('['))) as CocoResult[];
}

/** Runs the exported files through ONNX Runtime and the library call around them: the answers are those expected. */
export async function expectExportAgrees(
  { stem, pictures }: { readonly stem: string; readonly pictures: string },
  programs: readonly string[],
  expected: readonly CocoResult[],
): Promise<void> {
  const description = JSON.parse(await readFile(`${stem}.json`, 'utf8')) as Record<string, string>;
  const sessions = new Map<string, onnx.InferenceSession>();
  for (const program of programs) {
    sessions.set(program, await onnx.InferenceSession.create(`${stem}.${program}.onnx`));
  }
  const runProgram =
    (program: string): RunProgram =>
    async (batch) => {
      const feeds = Object.entries(batch).map(([name, { data, dtype, shape }]) => {
        return [name, new onnx.Tensor(dtype as 'float32', data as Float32Array, [...shape])];
      });
      const outputs = await sessions.get(program)!.run(Object.fromEntries(feeds) as Record<string, onnx.Tensor>);
      return Object.fromEntries(
        Object.entries(outputs).map(([name, { data, dims }]) => [
          name,
          { data: data as Float32Array, shape: dims, dtype: 'float32' },
        ]),
      );
    };
  const detector = exportedDetector(description, runProgram);
  const loader = await createLoader({
    dataset: await pictureList([pictures]),
    pipeline: { decode: { channels: 3 }, transforms: detector.transforms },
    batchSize: detector.batchSize,
    random: createRandom(0),
    shuffle: false,
    workers: 0,
  });
  const found: CocoResult[] = [];
  for await (const samples of loader.batches(0)) {
    const predictions = await detector.detect(samples);
    samples.forEach((sample, i) => {
      found.push(...(detector.records(sample, predictions[i]!) as unknown as CocoResult[]));
    });
  }
  expect(found.map(({ image_id, category_id }) => [image_id, category_id])).toEqual(
    expected.map(({ image_id, category_id }) => [image_id, category_id]),
  );
  expectClose(
    found.map(({ score }) => score),
    expected.map(({ score }) => score),
    1e-4,
    'scores',
  );
  expectClose(
    found.flatMap(({ bbox }) => bbox),
    expected.flatMap(({ bbox }) => bbox),
    1e-4,
    'boxes',
  );
}
