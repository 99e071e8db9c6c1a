import { describe, expect, it } from 'vitest';
import { useWorkFolder } from './work-folder.js';

const { run } = useWorkFolder();

describe('mae-tasks doctor', () => {
  it('finds the compiled engine and the fallbacks, each with a gradient that is right', async () => {
    const { status, stdout, stderr } = await run('doctor');
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(stdout).toMatch(/ok +cpu +onnxruntime-node .*gradient probe/);
    expect(stdout).toMatch(/ok +wasm .*gradient probe/);
    expect(stdout).toMatch(/ok +javascript .*gradient probe/);
  });
});
