import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { vitLayerOf } from '#core/models/vit.js';
import { layerDecayGroups, weightDecayGroups } from '#core/optim/param-groups.js';
import { learningRateAt, scaleLearningRate } from '#core/optim/schedule.js';
import { fixturePath } from '../fixture-path.js';
import { readParameters } from '../models/reference.js';

interface ScheduleFixture {
  lr: number;
  min_lr: number;
  warmup_epochs: number;
  epochs: number;
  points: Array<[number, number]>;
}

interface GroupFixture {
  lr_scale: number;
  weight_decay: number;
  params: string[];
}

function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(fixturePath(path), 'utf8')) as T;
}

describe('the learning rate', () => {
  it('follows the official schedule at every reference point', () => {
    const {
      lr,
      min_lr: minLr,
      warmup_epochs: warmupEpochs,
      epochs,
      points,
    } = readJson<ScheduleFixture>('mae/lr_schedule.json');
    expect(points.length).toBeGreaterThan(10);
    for (const [epoch, expected] of points) {
      const actual = learningRateAt(epoch, { kind: 'cosine', lr, minLr, warmupEpochs, epochs });
      expect(Math.abs(actual - expected), `epoch ${epoch}`).toBeLessThanOrEqual(1e-12);
    }
  });

  it('starts at its peak without a warm-up and ends at minLr', () => {
    const schedule = { kind: 'cosine', lr: 1, minLr: 0.1, warmupEpochs: 0, epochs: 10 } as const;
    expect(learningRateAt(0, schedule)).toBe(1);
    expect(learningRateAt(10, schedule)).toBeCloseTo(0.1, 12);
  });

  it("falls as mmcv's poly policy does: minLr + (lr − minLr) · (1 − t)^power", () => {
    const schedule = { kind: 'poly', lr: 1, minLr: 0.2, power: 0.9, warmupEpochs: 1, epochs: 10 } as const;
    expect(learningRateAt(0.5, schedule)).toBe(0.5);
    expect(learningRateAt(5, schedule)).toBeCloseTo(0.2 + 0.8 * 0.5 ** 0.9, 12);
    expect(learningRateAt(10, schedule)).toBeCloseTo(0.2, 12);
  });

  it('steps down at its milestones, as ViTDet trains', () => {
    const milestones = [163_889 / 184_375, 177_546 / 184_375];
    const schedule = { kind: 'step', lr: 1e-4, milestones, gamma: 0.1, warmupEpochs: 0, epochs: 100 } as const;
    expect([0, 88.8, 88.9, 96.2, 96.3, 99.9].map((epoch) => learningRateAt(epoch, schedule))).toEqual([
      1e-4,
      1e-4,
      1e-4 * 0.1,
      1e-4 * 0.1,
      1e-4 * 0.1 ** 2,
      1e-4 * 0.1 ** 2,
    ]);
  });

  it('scales with the effective batch', () => {
    expect(scaleLearningRate(1.5e-4, 4096)).toBeCloseTo(2.4e-3, 12);
  });
});

describe('parameter groups', () => {
  it('decay and scale fine-tuning parameters as param_groups_lrd does', async () => {
    const parameters = await readParameters('mae/vit_pool.safetensors');
    const shapes = Object.fromEntries([...parameters].map(([name, { shape }]) => [name, shape]));
    const groups = layerDecayGroups(shapes, { depth: 3, layerDecay: 0.65, weightDecay: 0.05, layerOf: vitLayerOf });
    const fixture = readJson<GroupFixture[]>('mae/layer_decay_groups.json');
    expect(fixture.flatMap(({ params }) => params).sort()).toEqual([...groups.keys()].sort());
    for (const { lr_scale, weight_decay, params } of fixture) {
      for (const name of params) {
        expect(groups.get(name)!.lrScale, name).toBeCloseTo(lr_scale, 12);
        expect(groups.get(name)!.weightDecay, name).toBe(weight_decay);
      }
    }
  });

  it('leave biases and one-dimensional parameters undecayed in pretraining', () => {
    const groups = weightDecayGroups(
      { 'norm.weight': [4], cls_token: [1, 1, 4], 'a.weight': [4, 4], 'a.bias': [4] },
      0.05,
    );
    expect([...groups].map(([name, { weightDecay }]) => [name, weightDecay])).toEqual([
      ['norm.weight', 0],
      ['cls_token', 0.05],
      ['a.weight', 0.05],
      ['a.bias', 0],
    ]);
  });
});
