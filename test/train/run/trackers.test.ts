import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { TrackerFactory, type Tracker } from '#core/contracts/tracker.js';
import { createRegistry } from '#core/plugin/container.js';
import { definePlugin } from '#core/plugin/define-plugin.js';
import { corePlugin } from '#core/core-plugin.js';
import { closeTrackers, planTrackers } from '#core/train/run/trackers.js';

const run = { name: 'run1', folder: '/runs/run1', config: {} };
const tracker: Tracker = { log: () => undefined, close: () => undefined };

/** A factory that notes with which settings it makes its trackers. */
function board(made: unknown[]): TrackerFactory {
  return {
    name: 'board',
    settings: z.strictObject({ project: z.string().default('mine'), everySteps: z.int().positive().default(1) }),
    create(_, settings) {
      made.push(settings);
      return tracker;
    },
  };
}

describe('trackers of a run', () => {
  it('are made once, with settings of their own, when the run starts and not when their plugin loads', async () => {
    const made: unknown[] = [];
    const plugin = definePlugin({
      name: 'board',
      apiVersion: 2,
      register: ({ bind }) => {
        bind(TrackerFactory).toConstantValue(board(made));
      },
    });
    const registry = await createRegistry([
      { plugin: corePlugin, from: 'core' },
      { plugin, from: 'here' },
    ]);
    const planned = planTrackers(registry.trackers.slice(-1), { board: { project: 'cells' } });
    expect(made).toEqual([]);
    expect(await Promise.all(planned.map((create) => create(run)))).toEqual([tracker]);
    expect(made).toEqual([{ project: 'cells', everySteps: 1 }]);
  });

  it('refuse settings that are not theirs before anything is made', () => {
    const made: unknown[] = [];
    const plain: TrackerFactory = { name: 'plain', create: () => tracker };
    const plan = (given: Readonly<Record<string, unknown>>) => () => planTrackers([board(made), plain], given);
    expect(plan({ boards: {} })).toThrow(
      /`trackers.boards` are settings of no tracker.*did you mean `trackers.board`/u,
    );
    expect(plan({ board: { project: 3 } })).toThrow(/`project` \(=3\) is not valid/u);
    expect(plan({ board: { everyStep: 3 } })).toThrow(/did you mean `everySteps`/u);
    expect(plan({ plain: { a: 1 } })).toThrow(/the tracker "plain" takes no settings/u);
    expect(plan({ plain: {} })).not.toThrow();
    expect(made).toEqual([]);
  });

  it('are all closed at the end, also after one that fails, whose error is thrown', async () => {
    const closed: string[] = [];
    const closing = (name: string, fails = false): Tracker => ({
      log: () => undefined,
      close() {
        closed.push(name);
        if (fails) throw new Error(`${name} cannot be closed`);
      },
    });
    const all = [closing('first', true), closing('second', true), closing('third')];
    await expect(closeTrackers(all)).rejects.toThrow('first cannot be closed');
    expect(closed).toEqual(['first', 'second', 'third']);
  });
});
