import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { optimizerSlots, optimizerTensors, saveCheckpoint } from '#core/checkpoint/save.js';
import { readSafetensors } from '#core/checkpoint/files/safetensors.js';
import type { Parameter } from '#core/contracts/tensor.js';
import { useTemporaryFolders } from '../temporary-folder.js';

const temporaryFolder = useTemporaryFolders();

describe('saved checkpoints', () => {
  const parameter = (name: string, ...values: number[]): Parameter => ({
    name,
    shape: [values.length],
    data: Float32Array.from(values),
  });

  it('hold parameters under their own names, optimizer state and metadata in one file', async () => {
    const path = join(await temporaryFolder(), 'last.safetensors');
    const parameters = new Map([['blocks.0.norm1.bias', parameter('blocks.0.norm1.bias', 1, 2)]]);
    const slots = {
      exp_avg: new Map([['blocks.0.norm1.bias', parameter('blocks.0.norm1.bias', 3, 4)]]),
      ema: new Map([['blocks.0.norm1.bias', parameter('blocks.0.norm1.bias', 5, 6)]]),
    };
    const state = JSON.stringify({ step: 12, random: [1, 2, 3] });
    await saveCheckpoint(path, parameters, { extra: optimizerTensors(slots), metadata: { state } });
    const { tensors, metadata } = await readSafetensors(path);
    expect(metadata).toEqual({ format: 'pt', producer: 'mae-tasks', state });
    expect([...tensors.keys()]).toEqual([
      'blocks.0.norm1.bias',
      'optimizer.exp_avg.blocks.0.norm1.bias',
      'optimizer.ema.blocks.0.norm1.bias',
    ]);
    const extra = new Map([...tensors].filter(([name]) => name.startsWith('optimizer.')));
    const restored = optimizerSlots(extra);
    expect([...restored.keys()]).toEqual(['exp_avg', 'ema']);
    expect(restored.get('ema')!.get('blocks.0.norm1.bias')!.data).toEqual(Float32Array.of(5, 6));
  });

  it('writes parameters that are views of one large array', async () => {
    const arena = Float32Array.of(0, 1, 2, 3, 4, 5);
    const view: Parameter = { name: 'w', shape: [2, 2], data: arena.subarray(1, 5) };
    const path = join(await temporaryFolder(), 'w.safetensors');
    await saveCheckpoint(path, new Map([['w', view]]));
    expect((await readSafetensors(path)).tensors.get('w')!.data).toEqual(Float32Array.of(1, 2, 3, 4));
  });

  it('refuse names that would mix the model with the training state', async () => {
    const clash = new Map([['optimizer.x', parameter('optimizer.x', 1)]]);
    await expect(saveCheckpoint('unused', clash)).rejects.toThrow(/may not be named/);
    await expect(
      saveCheckpoint('unused', new Map(), {
        extra: new Map([['x', { dtype: 'F32', shape: [0], data: new Float32Array(0) }]]),
      }),
    ).rejects.toThrow(/must be named optimizer\./);
    expect(() => optimizerTensors({ 'a.b': new Map() })).toThrow(/slot/);
  });

  it('survive a kill −9 at any moment of a save', async () => {
    const folder = join(await temporaryFolder(), 'weights');
    await mkdir(folder);
    const path = join(folder, 'last.safetensors');
    const script = fileURLToPath(new URL('save-until-killed.ts', import.meta.url));
    let lastStep = 0;
    let interrupted = 0;
    for (let round = 0; round < 10; round++) {
      const child = spawn(process.execPath, ['--import', 'tsx', script, path, String(lastStep + 1)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const exited = once(child, 'exit');
      const [firstLine] = (await once(child.stdout, 'data')) as [Buffer];
      let reported = firstLine.toString();
      child.stdout.on('data', (bytes: Buffer) => (reported += bytes.toString()));
      await new Promise((resolve) => setTimeout(resolve, round * 3));
      child.kill('SIGKILL');
      expect((await exited)[1]).toBe('SIGKILL');

      if ((await readdir(folder)).some((name) => name.includes(String(child.pid)))) interrupted++;
      const { tensors, metadata } = await readSafetensors(path);
      const step = Number(metadata.step);
      const finished = reported.trim().split('\n').map(Number).at(-1)!;
      // The save after the last reported one may have reached its rename.
      expect([finished, finished + 1, finished + 2]).toContain(step);
      expect(step).toBeGreaterThan(lastStep);
      for (const { data } of tensors.values()) {
        expect((data as Float32Array).every((value) => value === step)).toBe(true);
      }
      lastStep = step;
    }
    expect(interrupted).toBeGreaterThan(2);
    // The next save tidies up after all of them.
    await saveCheckpoint(path, new Map([['weight', parameter('weight', 1)]]));
    expect(await readdir(folder)).toEqual(['last.safetensors']);
    expect((await stat(path)).size).toBeLessThan(1000);
  });
});
