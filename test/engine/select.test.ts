import { afterEach, describe, expect, it, vi } from 'vitest';
import { availableCores } from '#core/engine/available-cores.js';
import type { MaeError } from '#core/base/errors.js';
import { engineInstallCommand, missingLibrary } from '#core/engine/onnx/session/missing-library.js';
import { createEngine } from '#core/engine/select.js';

afterEach(() => {
  vi.doUnmock('onnxruntime-node');
  vi.resetModules();
});

/** `createEngine` of a process where the native library does not load. */
async function withoutLibrary(): Promise<typeof createEngine> {
  vi.resetModules();
  vi.doMock('onnxruntime-node', () => {
    throw new Error('libonnxruntime.so.1: cannot open shared object file');
  });
  return (await import('#core/engine/select.js')).createEngine;
}

describe('choosing an engine', () => {
  it('takes the compiled one by default, with the threads asked for', async () => {
    const engine = await createEngine({ threads: 1 });
    expect(engine.name).toBe('onnx');
    expect(engine.description).toMatch(/^onnxruntime-node \d+\.\d+\.\d+ \(cpu, 1 thread\)$/);
    await engine.dispose();
  });

  it('falls back to TF.js where the native library does not load, and says why and what it costs', async () => {
    const lines: string[] = [];
    const engine = await (await withoutLibrary())({ warn: (line) => lines.push(line) });
    expect(engine.name).toBe('tfjs');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/compiled engine is missing: onnxruntime-node does not load.*60 times slower/);
    expect(lines[0]).toContain(engineInstallCommand());
  });

  it('tells of a package that npm has left away, with the command that installs it', () => {
    const gone = new Error("Cannot find package 'onnxruntime-node' imported from session.js");
    expect(missingLibrary(Object.assign(gone, { code: 'ERR_MODULE_NOT_FOUND' })).message).toBe(
      `the compiled engine is missing: onnxruntime-node is not installed — run: ${engineInstallCommand()}`,
    );
  });

  it('is told how to be installed as each system sets variables', () => {
    expect(engineInstallCommand('linux')).toBe('ONNXRUNTIME_NODE_INSTALL=skip npm i onnxruntime-node');
    expect(engineInstallCommand('win32')).toMatch(/\$env:ONNXRUNTIME_NODE_INSTALL="skip"; npm i .* cmd .set ONNX/);
  });

  it('does not fall back where the device was named', async () => {
    const create = await withoutLibrary();
    await expect(create({ device: 'cpu' })).rejects.toMatchObject({ code: 'ENGINE_UNAVAILABLE' });
  });

  it('says at once that a provider has no device, and what it needs', async () => {
    // No test machine of ours has an NVIDIA GPU with ONNX Runtime's CUDA libraries.
    const error = (await createEngine({ device: 'cuda' }).catch((cause: unknown) => cause)) as MaeError;
    if (!(error instanceof Error)) return;
    expect(error.code).toBe('ENGINE_UNAVAILABLE');
    expect(error.message).toMatch(/the device "cuda" cannot be used: .+ — it needs an NVIDIA GPU/);
  });
});

describe('the cores that a process may use', () => {
  it('are limited by the quota of its control group, never below one', () => {
    const all = availableCores(() => undefined);
    expect(all).toBeGreaterThanOrEqual(1);
    expect(availableCores(() => 1.5)).toBe(1);
    expect(availableCores(() => 0.2)).toBe(1);
    expect(availableCores(() => 10_000)).toBe(all);
  });
});
