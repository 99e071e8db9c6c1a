import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as nodeFiles from 'node:fs/promises';
import { mkdir, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type FileSystem, writeFileAtomically } from '#core/base/atomic-write.js';
import { optimizerSlots, optimizerTensors, saveCheckpoint } from '#core/checkpoint/save.js';
import { readSafetensors } from '#core/checkpoint/files/safetensors.js';
import type { Parameter } from '#core/contracts/tensor.js';
import { useTemporaryFolders } from '../temporary-folder.js';

const temporaryFolder = useTemporaryFolders();

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: refused`), { code });
}

/** The real file system, except that the named operation fails. */
function failing(operation: keyof FileSystem | 'write' | 'sync' | 'close', code: string): FileSystem {
  const fail = (): Promise<never> => Promise.reject(systemError(code));
  const open: FileSystem['open'] = async (path, flags) => {
    const file = await nodeFiles.open(path, flags);
    let bytes = 0;
    return {
      // A disk fills up in the middle of a file, not at its beginning.
      write: async (piece, offset, length) => {
        bytes += length;
        if (operation === 'write' && bytes > 100) return fail();
        return file.write(piece, offset, length);
      },
      sync: async () => (operation === 'sync' ? fail() : file.sync()),
      close: async () => {
        await file.close();
        if (operation === 'close') await fail();
      },
    };
  };
  return { ...nodeFiles, open, ...(operation in nodeFiles ? { [operation]: fail } : {}) };
}

describe('atomic writes', () => {
  it('writes text, bytes and pieces, and leaves nothing beside', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'file');
    await writeFileAtomically(path, 'text');
    expect(await readFile(path, 'utf8')).toBe('text');
    await writeFileAtomically(path, Uint8Array.of(1, 2));
    expect([...(await readFile(path))]).toEqual([1, 2]);
    await writeFileAtomically(path, [Uint8Array.of(3), Uint8Array.of(4, 5), new Uint8Array(0)]);
    expect([...(await readFile(path))]).toEqual([3, 4, 5]);
    expect(await readdir(folder)).toEqual(['file']);
  });

  it.each([
    ['write', 'ENOSPC', /disk is full/],
    ['sync', 'EIO', /EIO/],
    ['close', 'EDQUOT', /quota/],
    ['rename', 'EACCES', /permission denied/],
    ['open', 'EROFS', /read-only/],
    ['open', 'EACCES', /permission denied/],
  ] as const)('is loud when %s fails with %s, and keeps the previous file', async (operation, code, message) => {
    const folder = await temporaryFolder();
    const path = join(folder, 'last.safetensors');
    await writeFileAtomically(path, 'previous');
    const write = writeFileAtomically(path, new Uint8Array(1000), failing(operation, code));
    await expect(write).rejects.toMatchObject({ code: 'WRITE_FAILED', where: path });
    await expect(write).rejects.toThrow(message);
    expect(await readFile(path, 'utf8')).toBe('previous');
    expect(await readdir(folder)).toEqual(['last.safetensors']);
  });

  it.runIf(process.platform === 'linux')('is loud on a device that is really full', async () => {
    // Linux answers every write to /dev/full with ENOSPC.
    const full: FileSystem = {
      ...nodeFiles,
      open: (_path, flags) => nodeFiles.open('/dev/full', flags === 'wx' ? 'r+' : flags),
    };
    const path = join(await temporaryFolder(), 'last.safetensors');
    await writeFileAtomically(path, 'previous');
    await expect(writeFileAtomically(path, new Uint8Array(5000), full)).rejects.toThrow(/disk is full \(ENOSPC\)/);
    expect(await readFile(path, 'utf8')).toBe('previous');
  });

  it('names a folder that does not exist, and passes on what the content itself throws', async () => {
    const folder = await temporaryFolder();
    await expect(writeFileAtomically(join(folder, 'no', 'x'), 'x')).rejects.toThrow(/folder does not exist/);
    const broken = function* (): Generator<Uint8Array> {
      yield new Uint8Array(10);
      throw new RangeError('made up');
    };
    await expect(writeFileAtomically(join(folder, 'x'), broken())).rejects.toThrow(RangeError);
    expect(await readdir(folder)).toEqual([]);
  });

  it("removes a killed process's temporary files for this path, and no other", async () => {
    const folder = await temporaryFolder();
    const ended = spawn(process.execPath, ['-e', '']);
    await once(ended, 'exit');
    const stale = `.file.${ended.pid}.0123456789ab.tmp`;
    const own = `.file.${process.pid}.0123456789ab.tmp`;
    const reused = `.file.${process.pid}.ba9876543210.tmp`;
    const others = [`.other.${ended.pid}.0123456789ab.tmp`, '.file.tmp', own, `.file.${process.ppid}.0123456789ab.tmp`];
    for (const name of [stale, reused, ...others]) await writeFile(join(folder, name), '');
    await utimes(join(folder, reused), 1, 1);
    await writeFileAtomically(join(folder, 'file'), 'x');
    expect((await readdir(folder)).sort()).toEqual([...others, 'file'].sort());
  });
});

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
