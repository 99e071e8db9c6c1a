/**
 * The contract between core and its plugins as checks for any test runner.
 *
 * Not here: anything that a plugin itself imports; this door is for its tests alone.
 *
 * @example
 * ```ts
 * import { testTaskPlugin } from '@mae-tasks/core-mae/testing';
 * import test from 'node:test';
 * import plugin, { pictures } from './depth.js';
 * for (const { name, run } of testTaskPlugin({ plugin, task: 'depth', data: pictures })) test(name, run);
 * ```
 *
 * @packageDocumentation
 */

import { strict as assert } from 'node:assert';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Dataset, Sample } from './contracts/dataset.js';
import type { Engine } from './contracts/engine.js';
import type { VitConfig } from './contracts/backbone.js';
import type { Task } from './contracts/task.js';
import { sameShape, type ParameterTree } from './contracts/tensor.js';
import { createLoader } from './data/loading/loader.js';
import { createEngine } from './engine/select.js';
import { vectorKernels } from './engine/kernels/select.js';
import { MaeError } from './base/errors.js';
import { allocateOnHeap, initializeParameters } from './nn/params.js';
import { createRandom } from './base/random.js';
import { adamw } from './optim/adamw.js';
import { requireAnswers, requireFlags, requirePictures } from './testing-answers.js';
import { requirePartsOfWhole } from './testing-parts.js';
import { createRegistry, type Registry } from './plugin/container.js';
import type { Plugin } from './plugin/define-plugin.js';
import { corePlugin } from './core-plugin.js';
import type { FinetuneConfig } from './train/settings/finetune-config.js';
import { resolveFinetuneConfig } from './train/finetuning/resolve-config.js';
import { decodeOptionsOf } from './train/settings/data-settings.js';
import { loadTaskModel, taskNamed } from './train/finetuning/load.js';
import { createTrainStep } from './train/loop/steps.js';
import { type BuiltModel, buildTaskModel, parameterGroupsOf } from './train/finetuning/task-model.js';
import { trainableShapes } from './train/loop/training.js';
import { saveWeights } from './train/run/training-checkpoint.js';
import { startOfTraining } from './train/loop/progress.js';
import { evaluateTask, type PredictedBatch, predictTask } from './train/finetuning/use-model.js';

/** What a task plugin is tried with. */
export interface TaskPluginTest {
  readonly plugin: Plugin;
  /** The task's name. */
  readonly task: string;
  /** A small data set with targets, in memory or on disk: four pictures or more. */
  readonly data: Dataset;
  /** Data sets that the task must refuse, by what is wrong with them. */
  readonly badData?: Readonly<Record<string, Dataset>>;
  /** The task's own settings. Default: its defaults. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Default: two blocks of width 32 on 32 × 32 pixels. */
  readonly vit?: Partial<VitConfig>;
  /** Pictures in a batch. Default 4. */
  readonly batchSize?: number;
  /** Steps in which the loss of one batch has to fall, and their learning rate. Default 30 and 1e-3. */
  readonly overfit?: { readonly steps: number; readonly lr: number };
  /** Trainable parameters that the loss of these settings does not depend on. Default: none. */
  readonly withoutGradient?: readonly string[];
}

/** One demand on a plugin; `run` rejects with what is wrong. */
export interface PluginCheck {
  readonly name: string;
  run(this: void): Promise<void>;
}

const TINY: VitConfig = {
  imageSize: [32, 32],
  patchSize: 8,
  inChannels: 3,
  embedDim: 32,
  depth: 2,
  numHeads: 2,
  mlpRatio: 2,
};
/** Largest difference between engines, relative to a tensor's largest value. */
const ENGINE_TOLERANCE = 1e-4;
const PREDICTION_TOLERANCE = 1e-5;

/**
 * The contract between core and task plugins as checks for any test runner:
 * `for (const { name, run } of testTaskPlugin({ … })) it(name, run)`.
 */
export function testTaskPlugin(test: TaskPluginTest): readonly PluginCheck[] {
  const checks: PluginCheck[] = [
    { name: 'registers its task beside core', run: () => checkRegistration(test) },
    { name: 'has defaults for all settings and refuses unknown ones', run: () => checkSettingsOf(test) },
    { name: 'declares flags that set what they say', run: () => checkFlags(test) },
    { name: 'makes batches as it declares them, and a finite loss', run: () => checkShapes(test) },
    { name: 'reaches every trainable parameter by gradients', run: () => checkGradients(test) },
    { name: 'gives every trainable parameter to the optimizer', run: () => checkGroups(test) },
    { name: 'splits a batch into parts whose means are those of the whole', run: () => checkParts(test) },
    { name: 'lowers the loss of one batch', run: () => checkOverfit(test) },
    { name: 'computes the same compiled and op by op', run: () => checkEngines(test) },
    { name: 'predicts the same whatever the batch size', run: () => checkBatchSize(test) },
    { name: 'evaluates to finite metrics, the primary one among them', run: () => checkEvaluation(test) },
    { name: 'answers for each picture in rows, records, files and drawings', run: () => checkAnswers(test) },
    { name: 'predicts the same after saving and loading', run: () => checkSaving(test) },
  ];
  for (const [what, data] of Object.entries(test.badData ?? {})) {
    checks.push({ name: `refuses ${what}`, run: () => checkRefusal(test, data) });
  }
  return checks;
}

interface Prepared {
  readonly registry: Registry;
  readonly task: Task;
  readonly config: FinetuneConfig;
  readonly built: BuiltModel;
  readonly parameters: ParameterTree;
}

async function prepare(test: TaskPluginTest): Promise<Prepared> {
  const registry = await createRegistry([
    { plugin: corePlugin, from: 'core' },
    { plugin: test.plugin, from: 'the plugin under test' },
  ]);
  const task = taskNamed(test.task, registry);
  const config = await resolveFinetuneConfig(task, {
    data: { path: test.data.name, workers: 0 },
    model: { ...TINY, ...test.vit },
    dropPath: 0,
    batchSize: test.batchSize ?? 4,
    [task.name]: test.settings ?? {},
  });
  const facts = await task.examine(test.data, config[task.name]);
  // Facts are kept as JSON, so the model must be happy with what comes back from it.
  const built = buildTaskModel(task, config, JSON.parse(JSON.stringify(facts)), registry.backbones);
  const parameters = initializeParameters(built.model.objective.parameters, createRandom(1));
  return { registry, task, config, built, parameters };
}

async function firstBatch(
  { data }: TaskPluginTest,
  { built, config }: Prepared,
  part: 'training' | 'evaluation' = 'training',
): Promise<readonly Sample[]> {
  const { transforms, target } = built.model.objective[part];
  const decode = decodeOptionsOf(config.data, built.vit.inChannels);
  const loader = await createLoader({
    dataset: data,
    pipeline: { decode, transforms, ...(target === undefined ? {} : { target }) },
    batchSize: Math.min(config.batchSize, data.size),
    random: createRandom(2),
    shuffle: false,
    workers: 0,
  });
  for await (const samples of loader.batches(0)) return samples;
  throw new Error('The data set gives no batch.');
}

/** One pass of training over the first batch. */
async function onePass(engine: Engine, test: TaskPluginTest, prepared: Prepared) {
  const { objective } = prepared.built.model;
  const shapes = trainableShapes(objective);
  const gradients = allocateOnHeap(shapes);
  const samples = await firstBatch(test, prepared);
  const step = await createTrainStep(objective, { engine, batchSize: samples.length, gradients: Object.keys(shapes) });
  const run = () => step.run(prepared.parameters, samples, { random: createRandom(3), gradients });
  return { shapes, gradients, samples, step, run };
}

async function withEngine<Result>(
  device: 'auto' | 'javascript',
  use: (engine: Engine) => Promise<Result>,
): Promise<Result> {
  const engine = await createEngine({ device });
  try {
    return await use(engine);
  } finally {
    await engine.dispose();
  }
}

async function checkRegistration(test: TaskPluginTest): Promise<void> {
  const { task } = await prepare(test);
  assert.equal(task.name, test.task);
  assert.ok(task.description.length > 0, 'the task has no description');
}

async function checkSettingsOf(test: TaskPluginTest): Promise<void> {
  const { task } = await prepare(test);
  assert.ok(task.settings.safeParse({}).success, 'the settings have no defaults');
  assert.ok(!task.settings.safeParse({ noSuchSetting: 1 }).success, 'an unknown setting is not refused');
  for (const [name, { source, settings }] of Object.entries(task.recipes ?? {})) {
    assert.ok(source.length > 0, `the recipe ${name} does not say where it comes from`);
    await resolveFinetuneConfig(task, { data: { path: 'data' }, recipe: name, ...pick(settings, 'mode') });
  }
}

async function checkFlags(test: TaskPluginTest): Promise<void> {
  requireFlags((await prepare(test)).task);
}

function pick(settings: Readonly<Record<string, unknown>>, key: string): Record<string, unknown> {
  return key in settings ? { [key]: settings[key] } : {};
}

async function checkShapes(test: TaskPluginTest): Promise<void> {
  const prepared = await prepare(test);
  const { training } = prepared.built.model.objective;
  const samples = await firstBatch(test, prepared);
  if (!('createStep' in training)) {
    const batch = training.collate(samples, createRandom(3));
    const spec = training.batchSpec(samples.length);
    assert.deepEqual(Object.keys(batch).sort(), Object.keys(spec).sort(), 'entries of the batch');
    for (const [name, { shape, dtype }] of Object.entries(spec)) {
      assert.ok(
        sameShape(batch[name]!.shape, shape),
        `${name} is [${batch[name]!.shape.join()}], declared [${shape.join()}]`,
      );
      assert.equal(batch[name]!.dtype, dtype, name);
    }
  }
  await withEngine('auto', async (engine) => {
    const { loss } = await (await onePass(engine, test, prepared)).run();
    assert.ok(Number.isFinite(loss), `the loss is ${loss}`);
  });
}

async function checkGradients(test: TaskPluginTest): Promise<void> {
  const prepared = await prepare(test);
  await withEngine('auto', async (engine) => {
    const { gradients, run } = await onePass(engine, test, prepared);
    await run();
    const dead = [...gradients.values()].filter(({ data }) => data.every((value) => value === 0));
    const unexpected = dead.map(({ name }) => name).filter((name) => !(test.withoutGradient ?? []).includes(name));
    assert.deepEqual(unexpected, [], 'parameters whose gradient is zero');
    for (const { name, data } of gradients.values()) assert.ok(data.every(Number.isFinite), `${name} is not finite`);
  });
}

async function checkGroups(test: TaskPluginTest): Promise<void> {
  const { built } = await prepare(test);
  const groups = parameterGroupsOf(built, built.model.objective);
  for (const name of Object.keys(trainableShapes(built.model.objective))) {
    const { lrScale, weightDecay } = groups.get(name)!;
    assert.ok(lrScale > 0 && lrScale <= 1, `${name} has a factor of ${lrScale}`);
    assert.ok(weightDecay >= 0, `${name} has a weight decay of ${weightDecay}`);
  }
}

async function checkParts(test: TaskPluginTest): Promise<void> {
  const prepared = await prepare(test);
  const all = await firstBatch(test, prepared);
  const samples = all.slice(0, all.length - (all.length % 2));
  const { built, parameters } = prepared;
  await withEngine('auto', (engine) => requirePartsOfWhole(built.model.objective, { engine, parameters, samples }));
}

async function checkOverfit(test: TaskPluginTest): Promise<void> {
  const { steps, lr } = test.overfit ?? { steps: 30, lr: 1e-3 };
  const prepared = await prepare(test);
  await withEngine('auto', async (engine) => {
    const { shapes, gradients, run } = await onePass(engine, test, prepared);
    const optimizer = adamw(vectorKernels);
    const state = optimizer.createState(shapes, allocateOnHeap);
    const groups = new Map(Object.keys(shapes).map((name) => [name, { lrScale: 1, weightDecay: 0 }]));
    const losses: number[] = [];
    for (let step = 1; step <= steps; step++) {
      losses.push((await run()).loss!);
      optimizer.update(prepared.parameters, gradients, state, { step, lr, groups });
    }
    const last = (await run()).loss!;
    assert.ok(last < 0.9 * losses[0]!, `the loss went from ${losses[0]} to ${last} in ${steps} steps`);
  });
}

async function checkEngines(test: TaskPluginTest): Promise<void> {
  const prepared = await prepare(test);
  const results = [];
  for (const device of ['auto', 'javascript'] as const) {
    const values = await withEngine(device, async (engine) => {
      const { gradients, run } = await onePass(engine, test, prepared);
      const { loss } = await run();
      return { loss: loss!, gradients };
    });
    results.push(values);
  }
  const [compiled, eager] = results;
  requireClose('loss', [compiled!.loss], [eager!.loss], ENGINE_TOLERANCE);
  // Against the largest of all gradients: where a gradient is zero on paper, what is computed is rounding.
  const all = [...eager!.gradients.values()];
  const largest = all.reduce((most, { data }) => data.reduce((a, b) => Math.max(a, Math.abs(b)), most), 0);
  for (const { name, data } of all) {
    requireClose(`gradient of ${name}`, compiled!.gradients.get(name)!.data, data, ENGINE_TOLERANCE, largest);
  }
}

async function checkBatchSize(test: TaskPluginTest): Promise<void> {
  const prepared = await prepare(test);
  const loaded = { ...prepared.built, parameters: prepared.parameters, path: 'memory' };
  const [one, many] = await withEngine('auto', async (engine) => [
    await predictions(engine, loaded, test.data, 1),
    await predictions(engine, loaded, test.data, 3),
  ]);
  assert.equal(many.length, test.data.size, 'one result a picture');
  requireAlike(one, many, 'results');
}

async function checkEvaluation(test: TaskPluginTest): Promise<void> {
  const prepared = await prepare(test);
  const loaded = { ...prepared.built, parameters: prepared.parameters, path: 'memory' };
  await withEngine('auto', async (engine) => {
    const { metrics } = await evaluateTask({ engine, loaded, data: test.data });
    const { name } = prepared.built.model.objective.primaryMetric;
    assert.ok(name in metrics, `the primary metric ${name} is not among ${Object.keys(metrics).join(', ')}`);
    for (const [metric, value] of Object.entries(metrics)) assert.ok(Number.isFinite(value), `${metric} is ${value}`);
  });
}

async function checkAnswers(test: TaskPluginTest): Promise<void> {
  const prepared = await prepare(test);
  const { model } = prepared.built;
  const { parameters } = prepared;
  const loaded = { ...prepared.built, parameters, path: 'memory' };
  await withEngine('auto', async (engine) => {
    const batches: PredictedBatch[] = [];
    for await (const batch of predictTask({ engine, loaded, data: test.data, batchSize: 2 })) batches.push(batch);
    await requireAnswers(model, batches);
    const samples = await firstBatch(test, prepared, 'evaluation');
    const context = { engine, parameters, samples, random: createRandom(3) };
    requirePictures((await model.objective.draw?.(context)) ?? []);
  });
}

async function checkSaving(test: TaskPluginTest): Promise<void> {
  const { built, parameters, registry, config } = await prepare(test);
  const folder = await mkdtemp(join(tmpdir(), 'mae-tasks-plugin-'));
  try {
    const path = join(folder, 'weights.safetensors');
    const { facts, task } = built;
    await saveWeights(path, parameters, {
      objective: task.name,
      seed: 0,
      best: null,
      pendingEpoch: null,
      progress: startOfTraining,
      config,
      facts,
    });
    const loaded = await loadTaskModel(path, registry);
    await withEngine('auto', async (engine) => {
      const before = await predictions(engine, { ...built, parameters, path }, test.data, 2);
      requireAlike(await predictions(engine, loaded, test.data, 2), before, 'results');
    });
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function checkRefusal(test: TaskPluginTest, data: Dataset): Promise<void> {
  const { task, built } = await prepare(test);
  const refuse = async (): Promise<void> => {
    await task.examine(data, built.config[task.name]);
    task.requireFit?.(data, built.facts);
  };
  await assert.rejects(refuse, (error) => error instanceof MaeError, 'it is accepted');
}

async function predictions(
  engine: Engine,
  loaded: Parameters<typeof predictTask>[0]['loaded'],
  data: Dataset,
  batchSize: number,
): Promise<unknown[]> {
  const all: unknown[] = [];
  for await (const { results } of predictTask({ engine, loaded, data, batchSize })) all.push(...results);
  return all;
}

/** Compares plain data, numbers up to rounding. */
function requireAlike(actual: unknown, expected: unknown, where: string): void {
  if (typeof expected === 'number') {
    requireClose(where, [actual as number], [expected], PREDICTION_TOLERANCE, Math.max(1, Math.abs(expected)));
  } else if (typeof expected === 'object' && expected !== null) {
    assert.deepEqual(Object.keys(actual as object), Object.keys(expected), where);
    for (const [key, value] of Object.entries(expected)) {
      requireAlike((actual as Record<string, unknown>)[key], value, `${where}.${key}`);
    }
  } else {
    assert.equal(actual, expected, where);
  }
}

function requireClose(
  name: string,
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
  scale = Array.from(expected).reduce((most, value) => Math.max(most, Math.abs(value)), 0),
): void {
  for (let index = 0; index < expected.length; index++) {
    const difference = Math.abs(actual[index]! - expected[index]!);
    assert.ok(difference <= tolerance * scale, `${name}[${index}] is ${actual[index]}, expected ${expected[index]}`);
  }
}
