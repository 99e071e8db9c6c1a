import { describe, expect, it } from 'vitest';
import type { Engine } from '#core/contracts/engine.js';
import type { Tracker } from '#core/contracts/tracker.js';
import { closeTrackers } from '#core/train/run/close-trackers.js';
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

describe('trackers at the end of a run', () => {
  it('are all closed, also after one that fails, whose error is thrown', async () => {
    const closed: string[] = [];
    const tracker = (name: string, fails = false): Tracker => ({
      name,
      log: () => undefined,
      close() {
        closed.push(name);
        if (fails) throw new Error(`${name} cannot be closed`);
      },
    });
    const all = [tracker('first', true), tracker('second', true), tracker('third')];
    await expect(closeTrackers(all)).rejects.toThrow('first cannot be closed');
    expect(closed).toEqual(['first', 'second', 'third']);
  });
});
