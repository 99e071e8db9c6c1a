import { cp, mkdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { checkSettings } from '#core/base/check-settings.js';
import { readSafetensors } from '#core/checkpoint/files/safetensors.js';
import { toFloat32 } from '#core/checkpoint/files/stored-tensor.js';
import type { Engine } from '#core/contracts/engine.js';
import { dataReaders } from '#core/data/readers/core-readers.js';
import { createEngine } from '#core/engine/select.js';
import { vitBackbone } from '#core/models/vit.js';
import { readMetrics } from '#core/report/metrics/metrics-jsonl.js';
import { openFinetuneRun } from '#core/train/finetuning/open-run.js';
import { readTrainingMetadata } from '#core/train/inputs/training-metadata.js';
import { openPretrainRun } from '#core/train/pretraining/open-run.js';
import { metricsJsonlTracker } from '#core/train/run/file-trackers.js';
import type { Run } from '#core/train/run/open-run.js';
import { findRunFolder, readRunConfig } from '#core/train/run/run-folder.js';
import { finetuneConfig } from '#core/train/settings/finetune-config.js';
import { overlaySettings } from '#core/train/settings/overlay-settings.js';
import { pretrainConfig } from '#core/train/settings/pretrain-config.js';
import { classifyTask } from '@mae-tasks/plugin-classify';
import { fixturePath } from '../../fixture-path.js';
import { useTemporaryFolders } from '../../temporary-folder.js';

/**
 * On the processor that the fixtures were made on, all values are equal to the bit. Another one sums in another order in
 * its matrix products, which moves results by some 1e-7; the runs' large `optimizer.eps` keeps Adam from blowing that up.
 */
const TOLERANCE = 1e-5;

const temporaryFolder = useTemporaryFolders();
let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ device: 'cpu', threads: 1 });
});
afterAll(() => engine.dispose());

type Kind = 'pretrain' | 'classify';
type Tree = Readonly<Record<string, unknown>>;

/** A copy of the runs of an earlier version, with their pictures. */
async function copyRuns(): Promise<string> {
  const folder = await temporaryFolder();
  await cp(fixturePath('runs'), folder, { recursive: true });
  // Git keeps no empty folders.
  for (const name of ['pretrain', 'classify']) await mkdir(join(folder, name, 'samples'));
  return folder;
}

/** Opens a run to resume it, with settings laid over its own. */
async function resume(folder: string, kind: Kind, changed: Tree = {}): Promise<Run> {
  const run = await findRunFolder(join(folder, kind));
  const saved = overlaySettings((await readRunConfig(run)) as Tree, { data: { path: join(folder, 'photos') } });
  const settings = overlaySettings(saved, changed);
  const options = { engine, folder: run, resume: true, readers: dataReaders, trackers: [metricsJsonlTracker] };
  if (kind === 'pretrain') {
    return openPretrainRun({ ...options, config: checkSettings(pretrainConfig, settings) });
  }
  const config = checkSettings(finetuneConfig(classifyTask), settings);
  const backbones = new Map([[vitBackbone.name, vitBackbone]]);
  return openFinetuneRun({ ...options, config, task: classifyTask, backbones });
}

async function toTheEnd(run: Run): Promise<string[]> {
  const kinds: string[] = [];
  for await (const { kind } of run.events()) kinds.push(kind);
  return kinds;
}

describe('a run of an earlier version', () => {
  it.each(['pretrain', 'classify'] as const)('ends as that version would have ended it: %s', async (kind) => {
    const folder = await copyRuns();
    const run = await resume(folder, kind);
    expect(run.firstStep).toBeGreaterThan(0);
    expect((await toTheEnd(run)).at(-1)).toBe('finished');
    const file = (name: string) => readSafetensors(join(folder, kind, name));
    const [actual, expected] = [await file('weights/last.safetensors'), await file('end.safetensors')];
    expect([...actual.tensors.keys()]).toEqual([...expected.tensors.keys()]);
    for (const [name, tensor] of expected.tensors) {
      const [values, wanted] = [toFloat32(actual.tensors.get(name)!, name), toFloat32(tensor, name)];
      const scale = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      wanted.forEach((value, index) => {
        expect(Math.abs(values[index]! - value), `${name}[${index}]`).toBeLessThanOrEqual(TOLERANCE * scale);
      });
    }
    const metrics = async (name: string) =>
      (await readMetrics(join(folder, kind, name))).map(({ step, epoch, phase }) => ({ step, epoch, phase }));
    expect(await metrics('metrics.jsonl')).toEqual(await metrics('end.jsonl'));
  });

  it('has pictures of its own number', async () => {
    const folder = await copyRuns();
    for (const name of ['a', 'b', 'c', 'd']) {
      await cp(join(folder, 'photos/down/01.png'), join(folder, 'photos/down', `${name}.png`));
    }
    await expect(resume(folder, 'pretrain')).rejects.toThrow(
      'a run that is resumed keeps its data, but its pictures give 3 steps an epoch, which its 3 steps do not fit',
    );
  });
});

describe('settings of a run that is resumed', () => {
  it.each([
    ['pretrain', { seed: 12 }, ['`seed` (=12, in the checkpoint 11)']],
    ['pretrain', { maskRatio: 0.5, model: { depth: 2 } }, ['`model.depth` (=2, in', '`maskRatio` (=0.5, in the']],
    ['pretrain', { data: { valFraction: 0 } }, ['`data.valFraction` (=0, in the checkpoint 0.34)']],
    ['classify', { optimizer: { betas: [0.9, 0.95] } }, ['`optimizer.betas.1` (=0.95, in the checkpoint 0.999)']],
    ['classify', { classify: { mixup: 0 } }, ['`classify.mixup` (=0, in the checkpoint 0.8)']],
    ['classify', { optimizer: { ema: null } }, ['`optimizer.ema` (=null, in the checkpoint 0.9)']],
  ] as const)('that would change its numbers are refused by name: %s %o', async (kind, changed, names) => {
    const error = await resume(await copyRuns(), kind, changed).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'CONFIG_INVALID' });
    for (const name of names) expect((error as Error).message).toContain(name);
    expect((error as Error).message).toMatch(/keeps its settings.*only epochs, .* may change.*start a new run/s);
  });

  it('that change where and how it runs are taken, and stand in its configuration from then on', async () => {
    const folder = await copyRuns();
    await rename(join(folder, 'photos'), join(folder, 'moved'));
    const data = { path: join(folder, 'moved'), workers: 1, maxBadImages: 3 };
    const changed = { data, checkpoint: { everySteps: 2 }, log: { tensorboard: false }, samples: { count: 0 } };
    await toTheEnd(await resume(folder, 'pretrain', changed));
    const config = parse(await readFile(join(folder, 'pretrain', 'config.yaml'), 'utf8')) as Tree;
    expect(config).toMatchObject({ ...changed, epochs: 4, seed: 11 });
    const saved = await readTrainingMetadata(join(folder, 'pretrain', 'weights', 'last.safetensors'));
    expect(saved!.config).toEqual(config);
  });

  it('let a finished run train for more epochs, and none for fewer than it has done', async () => {
    const folder = await copyRuns();
    await toTheEnd(await resume(folder, 'classify'));
    const longer = await resume(folder, 'classify', { epochs: 6 });
    expect([longer.firstStep, longer.epochs]).toEqual([16, 6]);
    const events = await toTheEnd(longer);
    expect(events.filter((kind) => kind === 'step')).toHaveLength(2 * 4);
    expect(parse(await readFile(join(folder, 'classify', 'config.yaml'), 'utf8'))).toMatchObject({ epochs: 6 });
    await expect(resume(folder, 'classify', { epochs: 5 })).rejects.toThrow(
      '`epochs` (=5) are fewer than the 6 that the run has done',
    );
  });

  it('are those of the command that began it', async () => {
    const folder = await copyRuns();
    await cp(join(folder, 'classify/weights/last.safetensors'), join(folder, 'pretrain/weights/last.safetensors'));
    await expect(resume(folder, 'pretrain')).rejects.toThrow(
      /a run of `finetune classify`, not of `pretrain`.*resume it by: mae-tasks finetune classify --resume/,
    );
  });
});

describe('data of a run that is resumed', () => {
  it('has the classes that it began with', async () => {
    const folder = await copyRuns();
    await rename(join(folder, 'photos/down'), join(folder, 'photos/up'));
    await expect(resume(folder, 'classify')).rejects.toMatchObject({
      code: 'DATA_INVALID',
      message: expect.stringContaining('the class `up` was not in the training data (across, down)') as string,
    });
  });

  it('is what the task knows of it, where the classes are the same', async () => {
    const folder = await copyRuns();
    await cp(join(folder, 'photos/down/01.png'), join(folder, 'photos/down/99.png'));
    await expect(resume(folder, 'classify')).rejects.toThrow(/`counts\.\d` of its data is \d, and was \d when the run/);
  });

  it('is the same pictures, by number and by name', async () => {
    const folder = await copyRuns();
    // From here on, the checkpoint says which pictures there are.
    await toTheEnd(await resume(folder, 'pretrain'));
    await rename(join(folder, 'photos/down/01.png'), join(folder, 'photos/down/renamed.png'));
    await expect(resume(folder, 'pretrain')).rejects.toThrow(
      /to train on: 1 added \(down\/renamed\.png\); held out: 1 removed \(down\/01\.png\)/,
    );
    await rename(join(folder, 'photos/down/renamed.png'), join(folder, 'photos/down/01.png'));
    expect(await toTheEnd(await resume(folder, 'pretrain'))).toEqual(['finished']);
    await cp(join(folder, 'photos/down/01.png'), join(folder, 'photos/down/99.png'));
    await expect(resume(folder, 'pretrain')).rejects.toThrow(
      /there are other pictures than when the run began \((?:to train on|held out): 1 added \(down\/99\.png\)/,
    );
  });
});
