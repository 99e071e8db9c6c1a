import { describe, expect, it } from 'vitest';
import { createProfile } from '#core/report/profile/profile.js';
import { timedIteration } from '#core/contracts/recorder.js';

/** A clock that only moves when it is told to. */
function openClock() {
  let time = 100;
  return { now: () => time, wait: (milliseconds: number) => (time += milliseconds) };
}

interface TraceFile {
  readonly traceEvents: ReadonlyArray<{
    readonly name: string;
    readonly ph: string;
    readonly tid: number;
    readonly ts?: number;
    readonly dur?: number;
    readonly args?: Readonly<Record<string, unknown>>;
  }>;
}

const spansOf = (text: string) => (JSON.parse(text) as TraceFile).traceEvents.filter(({ ph }) => ph === 'X');

describe('a profile', () => {
  it('adds up phases inside those that they are part of, and hands results on', async () => {
    const { now, wait } = openClock();
    const profile = createProfile({ now });
    for (let step = 0; step < 3; step++) {
      const result = await profile.time('step', async () => {
        wait(1);
        return profile.time('program', () => {
          wait(9);
          return step;
        });
      });
      expect(result).toBe(step);
    }
    await profile.time('evaluation', () => profile.time('program', () => wait(50)));
    wait(5);
    expect(profile.elapsed()).toBe(85);
    expect(profile.phases()).toEqual([
      {
        name: 'evaluation',
        milliseconds: 50,
        count: 1,
        phases: [{ name: 'program', milliseconds: 50, count: 1, phases: [] }],
      },
      {
        name: 'step',
        milliseconds: 30,
        count: 3,
        phases: [{ name: 'program', milliseconds: 27, count: 3, phases: [] }],
      },
    ]);
  });

  it('counts what fails, and the phase around it goes on', async () => {
    const { now, wait } = openClock();
    const profile = createProfile({ now });
    await profile.time('run', async () => {
      const failing = profile.time('step', () => {
        wait(2);
        throw new Error('no');
      });
      await expect(failing).rejects.toThrow('no');
      await profile.time('saving', () => wait(1));
    });
    expect(profile.phases()[0]!.phases.map(({ name, milliseconds }) => [name, milliseconds])).toEqual([
      ['step', 2],
      ['saving', 1],
    ]);
  });

  it('times the waiting for each value of an iteration, and ends it where its reader does', async () => {
    const { now, wait } = openClock();
    const profile = createProfile({ now });
    let ended = false;
    async function* values() {
      try {
        for (let value = 0; ; value++) {
          wait(3);
          yield await Promise.resolve(value);
        }
      } finally {
        ended = true;
      }
    }
    for await (const value of timedIteration(profile, 'waiting', values())) {
      wait(10);
      if (value === 2) break;
    }
    expect(profile.phases()).toMatchObject([{ name: 'waiting', milliseconds: 9, count: 3 }]);
    expect(ended).toBe(true);
  });

  it('means operators over the runs after the first, times the runs of their program', async () => {
    const profile = createProfile();
    const operators = (duration: number) => [
      { operator: 'MatMul', shapes: '[2, 2] [2, 2]', start: 0, duration },
      { operator: 'MatMul', shapes: '[2, 2] [2, 2]', start: 0, duration },
      { operator: 'Add', shapes: '[2]', start: 0, duration: 1 },
    ];
    for (let run = 0; run < 20; run++) await profile.time('train', () => undefined);
    profile.recordOperators('train', 0, operators(1000));
    expect(profile.operators()[0]).toMatchObject({ operator: 'MatMul', milliseconds: 2000 });
    profile.recordOperators('train', 1, operators(4));
    profile.recordOperators('train', 2, operators(6));
    profile.recordOperators('once', 0, operators(3));
    expect(profile.operators()).toEqual([
      { program: 'train', operator: 'MatMul', milliseconds: 10, count: 2, programRuns: 20 },
      { program: 'train', operator: 'Add', milliseconds: 1, count: 1, programRuns: 20 },
      { program: 'once', operator: 'MatMul', milliseconds: 6, count: 2, programRuns: 1 },
      { program: 'once', operator: 'Add', milliseconds: 1, count: 1, programRuns: 1 },
    ]);
  });
});

describe('the trace of a profile', () => {
  it('is complete events in microseconds from its start, rows by name', async () => {
    const { now, wait } = openClock();
    const profile = createProfile({ now });
    wait(1);
    await profile.time('step', () => wait(2));
    profile.recordOperators('train', 0, [{ operator: 'Add', shapes: '[2]', start: 101.5, duration: 0.25 }]);
    const { traceEvents } = JSON.parse(profile.trace('a "run"\n')) as TraceFile;
    expect(traceEvents.filter(({ ph }) => ph === 'M').map(({ args }) => args?.name)).toEqual([
      'a "run"\n',
      'phases and programs',
      'operators',
    ]);
    expect(traceEvents.filter(({ ph }) => ph === 'X')).toEqual([
      { name: 'step', ph: 'X', pid: 1, tid: 1, ts: 1000, dur: 2000 },
      {
        name: 'Add',
        ph: 'X',
        pid: 1,
        tid: 2,
        ts: 1500,
        dur: 250,
        args: { program: 'train', run: 0, shapes: '[2]' },
      },
    ]);
  });

  it('stays small however long the run is, and keeps the rare beside the frequent', async () => {
    const profile = createProfile({ maxSpans: 5, maxOperators: 7 });
    for (let step = 0; step < 1000; step++) {
      await profile.time('step', () => undefined);
      if (step % 250 === 0) await profile.time('evaluation', () => undefined);
      profile.recordOperators('train', step, [
        { operator: 'Add', shapes: '', start: step, duration: 1 },
        { operator: 'Mul', shapes: '', start: step, duration: 1 },
      ]);
    }
    const names = spansOf(profile.trace('long')).map(({ name }) => name);
    const countOf = (wanted: string): number => names.filter((name) => name === wanted).length;
    expect(['step', 'evaluation', 'Add', 'Mul'].map(countOf)).toEqual([5, 4, 4, 3]);
    expect(profile.phases().find(({ name }) => name === 'step')!.count).toBe(1000);
  });
});
