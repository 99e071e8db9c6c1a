import { spawnSync } from 'node:child_process';
import { cpus } from 'node:os';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { createOnnxEngine } from '../packages/core-mae/src/engine/onnx.js';
import { createMaeBatch, maeBatchSpec } from '../packages/core-mae/src/models/mae-batch.js';
import { defaultMaskOptions } from '../packages/core-mae/src/models/mae-config.js';
import { maeLoss, maeSpecs } from '../packages/core-mae/src/models/mae.js';
import { allocateOnHeap, initializeParameters, shapesOf, trainableNames } from '../packages/core-mae/src/nn/params.js';
import { createRandom } from '../packages/core-mae/src/nn/random.js';
import { benchFile, type Measurement } from './compare.js';
import { stepSettings } from './mae-step.js';

const THREADS = 2;
const ROUNDS = 3;

/**
 * Forward and backward pass of setting (b) in two replicas of one thread against one session of two threads, each side
 * in processes of its own, alternating. Below 1, replicas are faster. Needs the built worker (`npm run build`).
 */
export function run(): object {
  const sides: Record<'replicas' | 'session', Measurement[]> = { replicas: [], session: [] };
  for (let round = 0; round < ROUNDS; round++) {
    sides.replicas.push(inProcess(2));
    sides.session.push(inProcess(1));
  }
  const [ours, peer] = [median(sides.replicas), median(sides.session)];
  return {
    name: 'replicas (b)',
    ratio: ours.seconds / peer.seconds,
    memoryRatio: ours.peakMiB / peer.peakMiB,
    ours,
    peer,
    rounds: ROUNDS,
    setting: `2 replicas of 1 thread against 1 session of ${THREADS} threads, batch ${stepSettings.b.batchSize}`,
    machine: `${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} threads, Node ${process.versions.node}`,
  };
}

function inProcess(count: number): Measurement {
  const args = ['--import', 'tsx', benchFile('replicas.ts'), String(count)];
  const { stdout, status } = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) throw new Error(`bench/replicas.ts ${count} ended with ${status ?? 'a signal'}`);
  return JSON.parse(stdout) as Measurement;
}

/** Median time of a pass, in seconds, after two to warm up. */
async function timePasses(count: number): Promise<number> {
  const { config, batchSize, steps } = stepSettings.b;
  const specs = maeSpecs(config, defaultMaskOptions);
  const random = createRandom(1);
  const parameters = initializeParameters(specs, createRandom(0));
  const gradientNames = trainableNames(specs);
  const gradients = allocateOnHeap(Object.fromEntries(gradientNames.map((name) => [name, specs[name]!.shape])));
  const engine = await createOnnxEngine({ threads: THREADS });
  const size = batchSize / count;
  const spec = {
    name: 'mae',
    fn: maeLoss(config, defaultMaskOptions),
    parameters: shapesOf(specs),
    batch: maeBatchSpec(config, defaultMaskOptions, size),
    gradients: gradientNames,
  };
  const program = await engine.replication!.compile(spec, count);
  const [height, width] = config.imageSize;
  const images = Float32Array.from({ length: size * height * width * config.inChannels }, () => random.normal());
  const numPatches = (height * width) / config.patchSize ** 2;
  const times: number[] = [];
  for (let step = 1; step <= steps + 2; step++) {
    const batches = Array.from({ length: count }, () => {
      const orders = Array.from({ length: size }, () => random.permutation(numPatches));
      return createMaeBatch(config, defaultMaskOptions, images, orders);
    });
    const startedAt = performance.now();
    await program.run(parameters, batches, gradients);
    if (step > 2) times.push((performance.now() - startedAt) / 1000);
  }
  await engine.dispose();
  return times.sort((a, b) => a - b)[Math.floor(times.length / 2)]!;
}

function median(measurements: readonly Measurement[]): Measurement {
  return [...measurements].sort((a, b) => a.seconds - b.seconds)[Math.floor(measurements.length / 2)]!;
}

// As a process of its own: one number of replicas, measured.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const seconds = await timePasses(Number(process.argv[2]));
  console.log(JSON.stringify({ seconds, peakMiB: process.resourceUsage().maxRSS / 1024 }));
}
