import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { createFolder } from '#core/base/atomic-write.js';
import type { Engine } from '#core/contracts/engine.js';
import type { Parameter } from '#core/contracts/tensor.js';
import { startOfTraining } from '#core/train/loop/progress.js';
import type { Training, TrainingState } from '#core/train/loop/training.js';
import type { RunContext, RunEvent } from '#core/train/run/run-context.js';
import { runFolderAt } from '#core/train/run/run-folder.js';
import { createSaver } from '#core/train/run/saver.js';
import { loadTrainingState } from '#core/train/run/training-checkpoint.js';
import { readTrainingMetadata } from '#core/train/inputs/training-metadata.js';
import { safetensorsChunks } from '#core/checkpoint/files/safetensors.js';
import { writeFileAtomically } from '#core/base/atomic-write.js';
import { readSafetensors } from '#core/checkpoint/files/safetensors.js';
import { useTemporaryFolders } from '../../temporary-folder.js';

const temporaryFolder = useTemporaryFolders();

const parameter = (name: string, ...values: number[]): [string, Parameter] => [
  name,
  { name, shape: [values.length], data: Float32Array.from(values) },
];

async function saverOf(state: TrainingState) {
  const folder = runFolderAt(await temporaryFolder());
  await createFolder(`${folder.path}/weights`);
  const config = { seed: 0, patience: null, checkpoint: { everyEpochs: 1, everySteps: null, everyMinutes: 10 } };
  const pictures = { train: { count: 1, digest: 'a' }, heldOut: { count: 1, digest: 'b' } };
  const training = {
    objective: { name: 'pretrain' },
    state,
    loop: { engine: { recorder: undefined } as unknown as Engine },
    data: { pictures },
  } as unknown as Training;
  const context = { folder, config, trackers: [], shouldStop: () => false } as unknown as RunContext;
  const saver = createSaver(training, { name: 'valTop1', better: 'higher' }, context, () => undefined);
  return { saver, ...folder.weights };
}

const stateOf = (): TrainingState => ({
  parameters: new Map([parameter('blocks.0.weight', 1, 2), parameter('head.bias', 3)]),
  optimizer: { slots: { exp_avg: new Map([parameter('blocks.0.weight', 0, 0)]) } },
  average: undefined,
  progress: startOfTraining,
});

async function all(events: AsyncGenerator<RunEvent, void, void>): Promise<RunEvent[]> {
  const list: RunEvent[] = [];
  for await (const event of events) list.push(event);
  return list;
}

describe('a checkpoint whose values are not finite', () => {
  it('is not written as the last, and the one before is what the error names', async () => {
    const state = stateOf();
    const { saver, last } = await saverOf(state);
    await saver.save(null);
    const before = await readFile(last);
    state.parameters.get('head.bias')!.data[0] = Number.NaN;
    await expect(saver.save(null)).rejects.toMatchObject({
      code: 'LOSS_NOT_FINITE',
      message: expect.stringMatching(
        /`head\.bias` is not finite.*the last good checkpoint is .*last\.safetensors/,
      ) as string,
    });
    expect(await readFile(last)).toEqual(before);
    state.parameters.get('head.bias')!.data[0] = 3;
    state.optimizer.slots.exp_avg!.get('blocks.0.weight')!.data[1] = Number.POSITIVE_INFINITY;
    await expect(saver.save(null)).rejects.toThrow(/`blocks\.0\.weight` is not finite/);
    expect(await readFile(last)).toEqual(before);
  });

  it('is called good by nobody where there is none from before', async () => {
    const state = stateOf();
    state.parameters.get('head.bias')!.data[0] = Number.NaN;
    const { saver } = await saverOf(state);
    await expect(saver.save(null)).rejects.toThrow(/there is no checkpoint from before/);
  });

  it('is not written as the best, nor is one whose measure is no number', async () => {
    const state = stateOf();
    const { saver, best, last } = await saverOf(state);
    const end = { epoch: 1, step: 1, epochLoss: 1 };
    expect(await all(saver.saveBest(end, { valTop1: Number.NaN }))).toEqual([]);
    await expect(readFile(best)).rejects.toThrow();
    expect(await all(saver.saveBest(end, { valTop1: 50 }))).toHaveLength(1);
    expect(await all(saver.saveBest(end, { valTop1: Number.NaN }))).toEqual([]);
    await saver.save(null);
    expect((await readTrainingMetadata(last))!.best).toMatchObject({ value: 50 });
    const before = await readFile(best);
    state.parameters.get('head.bias')!.data[0] = Number.NaN;
    await expect(all(saver.saveBest(end, { valTop1: 60 }))).rejects.toThrow(/`head\.bias` is not finite/);
    expect(await readFile(best)).toEqual(before);
  });

  it('is not resumed from', async () => {
    const state = stateOf();
    const { saver, last } = await saverOf(state);
    await saver.save(null);
    const { tensors, metadata } = await readSafetensors(last);
    for (const name of ['head.bias', 'optimizer.exp_avg.blocks.0.weight']) {
      const spoiled = new Map(
        [...tensors].map(([key, tensor]) => [
          key,
          key === name ? { ...tensor, data: Float32Array.from(tensor.data as Float32Array).fill(Number.NaN) } : tensor,
        ]),
      );
      await writeFileAtomically(last, safetensorsChunks(spoiled, metadata));
      await expect(loadTrainingState(last, stateOf())).rejects.toMatchObject({ code: 'CHECKPOINT_INVALID' });
    }
  });
});
