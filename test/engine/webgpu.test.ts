import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine, ProgramSpec } from '#core/contracts/engine.js';
import type { ParameterTree } from '#core/contracts/tensor.js';
import { plainKernels } from '#core/engine/kernels/plain.js';
import { optimize } from '#core/engine/onnx/passes/optimize.js';
import { trace } from '#core/engine/onnx/trace/trace.js';
import { createEngine } from '#core/engine/select.js';
import { createMaeBatch, maeBatchSpec } from '#core/models/mae-batch.js';
import { defaultMaskOptions as options } from '#core/models/mae-config.js';
import { maeLoss, maeReconstruction, maeSpecs } from '#core/models/mae.js';
import { shuffleByNoise } from '#core/models/masking.js';
import { allocateOnHeap, shapesOf, trainableNames } from '#core/nn/params.js';
import { adamw } from '#core/optim/adamw.js';
import { weightDecayGroups } from '#core/optim/param-groups.js';
import {
  expectClose,
  readParameters,
  readReference,
  referenceConfig as config,
  toChannelsLast,
} from '../models/reference.js';

const HINT =
  'This test needs a GPU with Vulkan, or SwiftShader: npm i --prefix /tmp/swiftshader --ignore-scripts ' +
  '@sparticuz/chromium@153, and MAE_TASKS_SWIFTSHADER=/tmp/swiftshader/node_modules/@sparticuz/chromium ' +
  '(docs/backends.md)';
const batchSize = 3;

describe("the graph that GPUs' providers get", () => {
  it('holds standard operators only, gradients included: others would run on the CPU, with copies both ways', async () => {
    const { nodes } = optimize(trace((await prepare()).spec).graph, 'portable');
    expect(nodes.length).toBeGreaterThan(100);
    expect(nodes.filter(({ domain }) => domain !== '').map(({ op }) => op)).toEqual([]);
  });
});

// On request only: it needs a device, or a large package that renders on the CPU.
if (process.env.MAE_TASKS_FULL === '1') {
  describe('an MAE on WebGPU', () => {
    let folder: string | undefined;
    let webgpu: Engine;
    let cpu: Engine;
    beforeAll(async () => {
      const swiftshader = process.env.MAE_TASKS_SWIFTSHADER ?? '';
      if (swiftshader !== '') folder = useSwiftshader(swiftshader);
      try {
        webgpu = await createEngine({ device: 'webgpu' });
      } catch (cause) {
        throw new Error(HINT, { cause });
      }
      cpu = await createEngine({ device: 'cpu', threads: 1 });
    });
    afterAll(async () => {
      await webgpu?.dispose();
      await cpu?.dispose();
      if (folder !== undefined) rmSync(folder, { recursive: true });
    });

    it('reconstructs as on the CPU', async () => {
      const { spec, parameters, batchOf } = await prepare();
      const reconstruction = { ...spec, fn: maeReconstruction(config, options), gradients: [] };
      const run = async (engine: Engine) => (await engine.compile(reconstruction)).run(parameters, batchOf(0));
      const [actual, expected] = [await run(webgpu), await run(cpu)];
      for (const [name, { data }] of Object.entries(expected)) expectClose(actual[name]!.data, data, 1e-5, name);
    });

    it('takes the same three training steps as the CPU', async () => {
      const [actual, expected] = [await train(webgpu), await train(cpu)];
      actual.losses.forEach((loss, step) => expectClose([loss], [expected.losses[step]!], 1e-5, `loss ${step}`));
      for (const [name, { data }] of expected.firstGradients) {
        // A key's bias adds the same to every score of a row: its gradient is rounding noise around zero.
        const compared = name.endsWith('qkv.bias') ? withoutKeys : (values: Float32Array) => values;
        expectClose(compared(actual.firstGradients.get(name)!.data), compared(data), 1e-4, name);
      }
      expect(actual.losses[2]).toBeLessThan(actual.losses[0]!);
    });
  });
}

/** Lets Vulkan find the renderer that npm's `@sparticuz/chromium` carries; returns the folder it is unpacked to. */
function useSwiftshader(packageFolder: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'mae-swiftshader-'));
  const archive = brotliDecompressSync(readFileSync(join(packageFolder, 'bin', 'swiftshader.tar.br')));
  execFileSync('tar', ['--extract', '--directory', folder], { input: archive });
  // Vulkan's loader reads the environment when the first device is asked for.
  process.env.VK_ICD_FILENAMES = join(folder, 'vk_swiftshader_icd.json');
  return folder;
}

async function prepare() {
  const specs = maeSpecs(config, options);
  const forward = await readReference('mae/mae_forward.safetensors');
  const noise = await readReference('mae/mae_adamw.safetensors');
  const images = toChannelsLast(forward.float32('imgs'), forward.shape('imgs'));
  const spec: ProgramSpec = {
    name: 'step',
    fn: maeLoss(config, options),
    parameters: shapesOf(specs),
    batch: maeBatchSpec(config, options, batchSize),
    gradients: trainableNames(specs),
  };
  const batchOf = (step: number) => {
    const values = noise.float32(`noise.${step}`);
    const orders = [0, 1, 2].map((picture) => shuffleByNoise(values.subarray(picture * 16, picture * 16 + 16)));
    return createMaeBatch(config, options, images, orders);
  };
  return { spec, parameters: await readParameters('mae/mae.safetensors'), batchOf };
}

/** Three steps of AdamW: the losses, and the gradients of the first step. */
async function train(engine: Engine): Promise<{ losses: number[]; firstGradients: ParameterTree }> {
  const { spec, parameters, batchOf } = await prepare();
  const program = await engine.compile(spec);
  const trainable = Object.fromEntries(spec.gradients!.map((name) => [name, spec.parameters[name]!]));
  const [gradients, firstGradients] = [allocateOnHeap(trainable), allocateOnHeap(trainable)];
  const optimizer = adamw(plainKernels, { betas: [0.9, 0.95] });
  const state = optimizer.createState(trainable, allocateOnHeap);
  const groups = weightDecayGroups(trainable, 0.05);
  const losses: number[] = [];
  for (let step = 0; step < 3; step++) {
    const { loss } = await program.run(parameters, batchOf(step), gradients);
    losses.push(loss!.data[0]!);
    if (step === 0) for (const { name, data } of gradients.values()) firstGradients.get(name)!.data.set(data);
    optimizer.update(parameters, gradients, state, { step: step + 1, lr: 1.5e-3, groups });
  }
  return { losses, firstGradients };
}

function withoutKeys(bias: Float32Array): number[] {
  const width = bias.length / 3;
  return [...bias.subarray(0, width), ...bias.subarray(2 * width)];
}
