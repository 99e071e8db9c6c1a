import { describe, expect, it } from 'vitest';
import type { Objective } from '#core/contracts/objective.js';
import { Task } from '#core/contracts/task.js';
import { definePlugin } from '#core/plugin/define-plugin.js';
import { testTaskPlugin } from '#core/testing.js';
import { requireFlags } from '#core/testing-answers.js';
import { rotationTask } from '../../examples/custom-plugin/src/rotation-task.js';
import { labelledPictures } from '../pictures/labelled-pictures.js';

const data = labelledPictures({ count: 5, classNames: ['a', 'b'] });

/** The names of the checks that a task does not pass. */
async function failures(task: object, options: object = {}): Promise<string[]> {
  const plugin = definePlugin({
    name: 'broken',
    apiVersion: 2,
    register: ({ bind }) => bind(Task).toConstantValue(task as Task),
  });
  const failed: string[] = [];
  for (const { name, run } of testTaskPlugin({ plugin, task: 'rotation', data, ...options })) {
    await run().catch(() => failed.push(name));
  }
  return failed;
}

/** The example with another objective. */
function withObjective(change: (objective: Objective) => Partial<Objective>): object {
  return {
    ...rotationTask,
    createModel(context: Parameters<typeof rotationTask.createModel>[0]) {
      const model = rotationTask.createModel(context);
      return { ...model, objective: { ...model.objective, ...change(model.objective) } };
    },
  };
}

describe('the contract suite finds', () => {
  it('a batch that is not as declared', async () => {
    const task = withObjective(({ training }) => ({
      training: {
        ...training,
        batchSpec: () => ({ images: { shape: [1], dtype: 'float32' } }),
      },
    }));
    expect(await failures(task)).toContain('makes batches as it declares them, and a finite loss');
  });

  it('a parameter that the loss does not depend on', async () => {
    const task = withObjective(({ parameters }) => ({
      parameters: { ...parameters, unused: { shape: [2], init: () => new Float32Array(2) } },
    }));
    expect(await failures(task)).toContain('reaches every trainable parameter by gradients');
  });

  it('a metric that is not among those it evaluates to', async () => {
    const task = withObjective(() => ({ primaryMetric: { name: 'valNothing', better: 'higher' } }));
    expect(await failures(task)).toEqual(['evaluates to finite metrics, the primary one among them']);
  });

  it('answers that depend on the batch', async () => {
    const task = {
      ...rotationTask,
      createModel(context: Parameters<typeof rotationTask.createModel>[0]) {
        const model = rotationTask.createModel(context);
        const decode: typeof model.prediction.decode = (_, samples) => samples.map((__, place) => ({ degrees: place }));
        return { ...model, prediction: { ...model.prediction, decode } };
      },
    };
    expect(await failures(task)).toEqual(['predicts the same whatever the batch size']);
  });

  it('answers that are not one for each picture, and rows that do not fit their columns', async () => {
    const task = {
      ...rotationTask,
      createModel(context: Parameters<typeof rotationTask.createModel>[0]) {
        const model = rotationTask.createModel(context);
        return { ...model, prediction: { ...model.prediction, columns: ['degrees', 'sureness'] } };
      },
    };
    expect(await failures(task)).toEqual(['answers for each picture in rows, records, files and drawings']);
    const twice = {
      ...rotationTask,
      createModel(context: Parameters<typeof rotationTask.createModel>[0]) {
        const model = rotationTask.createModel(context);
        return { ...model, prediction: { ...model.prediction, decode: () => [{ degrees: 0 }] } };
      },
    };
    expect(await failures(twice)).toContain('answers for each picture in rows, records, files and drawings');
  });

  it('flags for settings that there are not, or for values that they do not take', async () => {
    const flag = { name: 'turns', description: 'how many', setting: 'turns' };
    const refused = (change: object) => () => {
      requireFlags({ ...rotationTask, flags: [{ ...flag, ...change }] });
    };
    expect(refused({})).not.toThrow();
    expect(refused({ choices: { few: 2, many: 4 } })).not.toThrow();
    expect(refused({ setting: 'spins' })).toThrow('the flag turns stands for no setting: `spins`');
    expect(refused({ choices: { many: 7 } })).toThrow('`turns` does not take what --turns many gives it');
    expect(refused({ name: 'Turns' })).toThrow('lower-case words');
    const task = { ...rotationTask, flags: [{ ...flag, description: '' }] };
    expect(await failures(task)).toEqual(['declares flags that set what they say']);
  });

  it('bad data that is accepted, and settings without defaults', async () => {
    expect(await failures(rotationTask, { badData: { nonsense: data } })).toEqual(['refuses nonsense']);
    const strict = { ...rotationTask, settings: rotationTask.settings.refine(() => false) };
    expect(await failures(strict)).toContain('has defaults for all settings and refuses unknown ones');
  });
});
