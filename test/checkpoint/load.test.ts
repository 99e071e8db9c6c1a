import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeFileAtomically } from '#core/base/atomic-write.js';
import { loadCheckpoint, readCheckpoint } from '#core/checkpoint/load.js';
import { mergeCheckpoint } from '#core/checkpoint/merge.js';
import { safetensorsChunks } from '#core/checkpoint/files/safetensors.js';
import { optimizerTensors, saveCheckpoint } from '#core/checkpoint/save.js';
import type { StoredTensor, StoredTensors } from '#core/checkpoint/files/stored-tensor.js';
import type { Parameter } from '#core/contracts/tensor.js';
import { fixturePath } from '../fixture-path.js';
import { useTemporaryFolders } from '../temporary-folder.js';

const temporaryFolder = useTemporaryFolders();

const asTree = (tensors: StoredTensors): Map<string, Parameter> =>
  new Map(
    [...tensors].map(([name, { shape, data }]) => [
      name,
      { name, shape, data: Float32Array.from(data as Float32Array) },
    ]),
  );

describe('loading a checkpoint', () => {
  it('decides by content, whatever the name', async () => {
    const folder = await temporaryFolder();
    for (const [from, to, format] of [
      ['mae/mae.pth', 'a.safetensors', 'torch'],
      ['mae/mae.safetensors', 'b.pth', 'safetensors'],
      ['mae/mae.safetensors', 'c', 'safetensors'],
    ] as const) {
      await copyFile(fixturePath(from), join(folder, to));
      const checkpoint = await loadCheckpoint(join(folder, to));
      expect(checkpoint).toMatchObject({ format, source: 'official' });
      expect(checkpoint.tensors.size).toBe(74);
    }
    const plain = join(folder, 'd.bin');
    await copyFile(fixturePath('pickle/numpy-4.pkl'), plain);
    expect(await readCheckpoint(plain)).toMatchObject({ format: 'pickle', files: [plain] });
    await copyFile(fixturePath('pickle/legacy.pth'), plain);
    expect((await readCheckpoint(plain)).format).toBe('torch');
  });

  it('fits a model exactly: a torch file into parameters made from the safetensors file', async () => {
    const parameters = asTree((await loadCheckpoint(fixturePath('mae/mae.safetensors'))).tensors);
    for (const { data } of parameters.values()) data.fill(0);
    const { tensors } = await loadCheckpoint(fixturePath('mae/mae.pth'));
    const report = mergeCheckpoint(parameters, tensors, { path: 'mae.pth' });
    expect(report.loaded).toHaveLength(74);
    expect(parameters.get('blocks.2.mlp.fc2.weight')!.data).toEqual(tensors.get('blocks.2.mlp.fc2.weight')!.data);
  });

  it("reads a run's folder: parameters apart from the training state", async () => {
    const run = await temporaryFolder();
    await mkdir(join(run, 'weights'));
    const parameters = asTree((await loadCheckpoint(fixturePath('mae/mae.safetensors'))).tensors);
    const extra = optimizerTensors({ exp_avg: parameters });
    await saveCheckpoint(join(run, 'weights/last.safetensors'), parameters, {
      extra,
      metadata: { state: '{"step":3}' },
    });
    for (const path of [run, join(run, 'weights'), join(run, 'weights/last.safetensors')]) {
      const checkpoint = await loadCheckpoint(path);
      expect(checkpoint.source).toBe('mae-tasks');
      expect([...checkpoint.tensors.keys()]).toEqual([...parameters.keys()]);
      expect(checkpoint.extra.size).toBe(74);
      expect(checkpoint.metadata.state).toBe('{"step":3}');
    }
  });

  it('reads folders of Hugging Face: one file, torch, or shards', async () => {
    const whole = await loadCheckpoint(fixturePath('hugging-face/mae-4.57.6.safetensors'));
    const raw = [...(await readCheckpoint(fixturePath('hugging-face/mae-4.57.6.safetensors'))).tensors];
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'config.json'), '{}');
    const shards: Record<string, Array<[string, StoredTensor]>> = {
      'model-00001-of-00002.safetensors': raw.slice(0, 30),
      'model-00002-of-00002.safetensors': raw.slice(30),
    };
    const weightMap: Record<string, string> = {};
    for (const [file, entries] of Object.entries(shards)) {
      await writeFileAtomically(join(folder, file), safetensorsChunks(new Map(entries), { format: 'pt' }));
      for (const [name] of entries) weightMap[name] = file;
    }
    await writeFile(
      join(folder, 'model.safetensors.index.json'),
      JSON.stringify({ metadata: {}, weight_map: weightMap }),
    );
    const sharded = await loadCheckpoint(folder);
    expect(sharded.files).toHaveLength(2);
    expect(new Map([...sharded.tensors].sort())).toEqual(new Map([...whole.tensors].sort()));

    await copyFile(fixturePath('hugging-face/mae-5.23.0.safetensors'), join(folder, 'model.safetensors'));
    expect((await loadCheckpoint(folder)).files).toEqual([join(folder, 'model.safetensors')]);
    const torchFolder = await temporaryFolder();
    await copyFile(fixturePath('mae/mae.pth'), join(torchFolder, 'pytorch_model.bin'));
    expect((await loadCheckpoint(torchFolder)).format).toBe('torch');
  });

  it.each(['../outside.safetensors', '/etc/passwd', 'a/b.safetensors', '..', '..\\x'])(
    'refuses an index of shards that names %s',
    async (name) => {
      const folder = await temporaryFolder();
      await writeFile(join(folder, 'model.safetensors.index.json'), JSON.stringify({ weight_map: { w: name } }));
      await expect(loadCheckpoint(folder)).rejects.toMatchObject({ code: 'PATH_ESCAPES' });
    },
  );

  it('explains what a file is instead', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'x.pth');
    const explain = async (content: string | Uint8Array): Promise<string> => {
      await writeFile(path, content);
      return loadCheckpoint(path).then(
        () => 'loaded',
        (error: unknown) => String(error),
      );
    };
    expect(await explain('')).toMatch(/it is empty/);
    expect(await explain('<!DOCTYPE html><html>')).toMatch(/web page/);
    expect(await explain('version https://git-lfs.github.com/spec/v1\n')).toMatch(/git lfs pull/);
    expect(await explain(Buffer.from('\x93NUMPY\x01', 'latin1'))).toMatch(/NumPy array/);
    expect(await explain('hello world, this is text')).toMatch(/neither safetensors/);
    expect(await explain(Buffer.from('\xff\xff\xff\xff\xff\xff\xff\xff{}', 'latin1'))).toMatch(/header would have/);
    await expect(loadCheckpoint(join(folder, 'nothing'))).rejects.toThrow(/no such checkpoint/);
    await expect(loadCheckpoint(await temporaryFolder())).rejects.toThrow(
      /holds no weights \(looked for weights\/last/,
    );
    await writeFile(join(folder, 'model.safetensors.index.json'), '{"weight_map":3}');
    await expect(loadCheckpoint(folder)).rejects.toThrow(/index of shards is damaged/);
  });
});
