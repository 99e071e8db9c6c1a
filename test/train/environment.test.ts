import { describe, expect, it } from 'vitest';
import type { Engine } from '#core/contracts/engine.js';
import { describeEnvironment } from '#core/train/run/environment.js';

describe('environment.json', () => {
  it('has the date and the versions of what the numbers depend on', () => {
    const engine = { name: 'onnx', description: 'of a test' } as Engine;
    const { versions, plugins, startedAt, node } = describeEnvironment(engine, ['depth@1.0.0']);
    expect(Object.keys(versions)).toEqual(
      expect.arrayContaining(['@mae-tasks/core-mae', '@tensorflow/tfjs', 'sharp', 'onnxruntime-node']),
    );
    for (const version of Object.values(versions)) expect(version).toMatch(/^\d+\.\d+\.\d+/);
    expect(plugins).toEqual(['depth@1.0.0']);
    expect(node).toBe(process.version);
    expect(Math.abs(Date.parse(startedAt) - Date.now())).toBeLessThan(60_000);
  });
});
