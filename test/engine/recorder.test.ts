import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Engine, ProgramSpec } from '#core/contracts/engine.js';
import type { Batch, ParameterTree } from '#core/contracts/tensor.js';
import { noRecorder, type OperatorTime, type Recorder } from '#core/contracts/recorder.js';
import { PROFILED_RUNS } from '#core/engine/programs/profiled-runs.js';
import { createEngine } from '#core/engine/select.js';
import { createProfile } from '#core/report/profile/profile.js';

const spec: ProgramSpec = {
  name: 'product.train',
  fn: ({ w }, { x }) => ({ loss: tf.mean(tf.square(tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D))) }),
  parameters: { w: [4, 3] },
  batch: { x: { shape: [2, 4], dtype: 'float32' } },
  gradients: ['w'],
};
const tree = (): ParameterTree =>
  new Map([['w', { name: 'w', shape: [4, 3], data: Float32Array.from({ length: 12 }, Math.sin) }]]);
const batch = (): Batch => ({
  x: { shape: [2, 4], dtype: 'float32', data: Float32Array.from({ length: 8 }, Math.cos) },
});

/** What one run of the program gives. */
async function resultOf(engine: Engine, runs = 1) {
  const program = await engine.compile(spec);
  const gradients = tree();
  let loss = Number.NaN;
  for (let run = 0; run < runs; run++) loss = (await program.run(tree(), batch(), gradients)).loss!.data[0]!;
  return { loss, gradient: [...gradients.get('w')!.data] };
}

let temporary: string;
beforeAll(async () => {
  // Where other tests that run at the same time leave nothing.
  temporary = await mkdtemp(join(tmpdir(), 'mae-tasks-recorder-'));
  vi.stubEnv('TMPDIR', temporary);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(temporary, { recursive: true });
});

describe.each(['cpu', 'javascript', 'wasm'] as const)('the recorder of the engine for %s', (device) => {
  it('is told of the operators of the first runs, in order, and changes no result', async () => {
    const plain = await createEngine({ device });
    const expected = await resultOf(plain);
    await plain.dispose();
    const runs: OperatorTime[][] = [];
    const recorder: Recorder = {
      ...noRecorder,
      recordOperators(program, run, operators) {
        expect([program, run]).toEqual([spec.name, runs.length]);
        runs.push([...operators]);
      },
    };
    const startedAt = performance.now();
    const engine = await createEngine({ device, recorder });
    expect(await resultOf(engine, PROFILED_RUNS + 3)).toEqual(expected);
    await engine.dispose();
    const endedAt = performance.now();

    expect(runs).toHaveLength(PROFILED_RUNS);
    const names = runs[1]!.map(({ operator }) => operator);
    expect(
      names.some((name) => /gemm|matmul/i.test(name)),
      names.join(),
    ).toBe(true);
    for (const operators of runs) expect(operators.map(({ operator }) => operator)).toEqual(names);
    const all = runs.flat();
    expect(all.some(({ shapes }) => shapes.includes('[2, 4] [4, 3]'))).toBe(true);
    for (const { start, duration } of all) {
      expect(start).toBeGreaterThanOrEqual(startedAt);
      expect(start + duration).toBeLessThanOrEqual(endedAt + 1);
    }
    expect(all.map(({ start }) => start)).toEqual(all.map(({ start }) => start).toSorted((a, b) => a - b));
    expect((await readdir(temporary)).filter((name) => name.startsWith('mae-tasks'))).toEqual([]);
  });

  it('is told of compilations and runs', async () => {
    const profile = createProfile();
    const engine = await createEngine({ device, recorder: profile });
    await resultOf(engine, 2);
    await engine.dispose();
    const counts = Object.fromEntries(profile.phases().map(({ name, count }) => [name, count]));
    expect(counts).toEqual({ 'compiling product.train': 1, 'product.train': 2 });
    expect(profile.operators().every(({ program, programRuns }) => program === spec.name && programRuns === 2)).toBe(
      true,
    );
  });
});

describe('the recorder of the compiled engine', () => {
  it('is told of replicas, with the operators of the one in this thread', async () => {
    const profile = createProfile();
    const engine = await createEngine({ device: 'cpu', threads: 2, recorder: profile });
    const program = await engine.replication!.compile(spec, 2);
    await program.run(tree(), [batch(), batch()], tree());
    await program.dispose();
    await engine.dispose();
    expect(
      profile
        .phases()
        .map(({ name }) => name)
        .toSorted(),
    ).toEqual(['compiling product.train', 'product.train']);
    expect(profile.operators().length).toBeGreaterThan(0);
  });

  it('is told of both parts of a program in two', async () => {
    const profile = createProfile();
    const engine = await createEngine({ device: 'cpu', recorder: profile });
    const late: ProgramSpec = {
      ...spec,
      name: 'pair',
      fn: ({ w }, { x, y }) => {
        const product = tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D);
        return { product, loss: tf.mean(tf.mul(product, y!)) };
      },
      batch: { ...spec.batch, y: { shape: [2, 3], dtype: 'float32' } },
    };
    const program = await engine.compileInTwo!(late, ['y']);
    await program.first(tree(), batch());
    const y = { shape: [2, 3], dtype: 'float32' as const, data: new Float32Array(6).fill(1) };
    await program.second(tree(), { ...batch(), y }, tree());
    await program.dispose();
    await engine.dispose();
    const names = ['compiling pair', 'pair, first part', 'pair, second part'];
    expect(
      profile
        .phases()
        .map(({ name }) => name)
        .toSorted(),
    ).toEqual(names);
    expect([...new Set(profile.operators().map(({ program: name }) => name))].toSorted()).toEqual(names.slice(1));
  });
});
