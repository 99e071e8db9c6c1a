import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OperatorTime, Recorder } from '../../../contracts/recorder.js';
import { PROFILED_RUNS } from '../../programs/profiled-runs.js';
import type { Session } from './session.js';

/** An event of ONNX Runtime's profile; times in microseconds from the session's start. */
interface ProfileEvent {
  readonly cat?: string;
  readonly name: string;
  readonly ts: number;
  readonly dur: number;
  readonly args?: {
    readonly op_name?: string;
    /** Of each input, by the name of its type. */
    readonly input_type_shape?: ReadonlyArray<Readonly<Record<string, readonly number[]>>>;
  };
}

/**
 * A session whose first runs are profiled by ONNX Runtime and recorded by operator. On GPU providers an operator's time is
 * that of the call which hands it over.
 *
 * @param create makes the session, its profile's file beginning with this path
 */
export async function createProfiledSession(
  program: string,
  recorder: Recorder,
  create: (profile: string) => Promise<Session>,
): Promise<Session> {
  const folder = await mkdtemp(join(tmpdir(), 'mae-tasks-profile-'));
  const removeFolder = (): Promise<void> => rm(folder, { recursive: true, force: true });
  const session = await create(join(folder, 'session')).catch(async (error: unknown) => {
    await removeFolder();
    throw error;
  });
  let starts: number[] | undefined = [];
  const finish = async (): Promise<void> => {
    if (starts === undefined) return;
    const runs = starts;
    starts = undefined;
    session.endProfiling();
    const [file] = await readdir(folder);
    const text = file === undefined ? '[]' : await readFile(join(folder, file), 'utf8');
    await removeFolder();
    operatorsByRun(JSON.parse(text) as ProfileEvent[], runs).forEach((operators, run) => {
      recorder.recordOperators(program, run, operators);
    });
  };
  return {
    ...session,
    async run(inputs, outputs) {
      starts?.push(performance.now());
      await session.run(inputs, outputs);
      if (starts?.length === PROFILED_RUNS) await finish();
    },
    async release() {
      await finish();
      await session.release();
    },
  };
}

/** The operators of each run, on this process's clock: `starts` are when the runs were begun. */
function operatorsByRun(events: readonly ProfileEvent[], starts: readonly number[]): OperatorTime[][] {
  const runs = events.filter(({ cat, name }) => cat === 'Session' && name === 'model_run');
  const nodes = events.filter(({ cat, name }) => cat === 'Node' && name.endsWith('_kernel_time'));
  return runs.slice(0, starts.length).map((run, index) =>
    nodes
      .filter(({ ts }) => ts >= run.ts && ts <= run.ts + run.dur)
      .map(({ args, ts, dur }) => ({
        operator: args?.op_name ?? 'unknown',
        shapes: (args?.input_type_shape ?? [])
          .flatMap((input) => Object.values(input).map((shape) => `[${shape.join(', ')}]`))
          .join(' '),
        start: starts[index]! + (ts - run.ts) / 1000,
        duration: dur / 1000,
      })),
  );
}
