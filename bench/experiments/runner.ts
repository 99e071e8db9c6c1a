import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const cli = join(root, 'packages/cli/dist/main.js');

/** What a finished run left behind: the command's own last record, and what was typed. */
export interface FinishedRun {
  /** The run's folder, relative to the repository. */
  readonly folder: string;
  /** The command without the runner's own flags, as a reader would type it. */
  readonly command: string;
  /** The metrics of its last evaluation. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Of the last start alone, where the run was interrupted. */
  readonly seconds: number;
}

export interface RunOptions {
  /** Whether later runs start from this one's weights; otherwise they are deleted when it is finished. */
  readonly keepWeights?: boolean;
  /** Whether no other run is asked for until it is finished: it gets all threads, each with a part of the batch. */
  readonly alone?: boolean;
  /** Whether the command runs as it is typed, with nothing set beside it. */
  readonly plain?: boolean;
}

export interface Runner {
  /**
   * Trains a run in `runs/experiments/<experiment>/<name>` by `mae-tasks <command>`, or goes on with it, or, where it is
   * finished, only reads what it left. May be called for many runs at once, also for one run from several places: at most
   * `jobs` train side by side.
   *
   * @param command arguments without `--out`: `['pretrain', '--data', …]`
   */
  run(name: string, command: readonly string[], options?: RunOptions): Promise<FinishedRun>;
  /** The folder of a run, for `--checkpoint`. */
  folder(name: string): string;
}

/** Settings that make runs quicker and quieter, and nothing of their results different. */
const QUIET = [
  'samples.count=0',
  'log.tensorboard=false',
  'log.everySteps=20',
  'checkpoint.everyEpochs=1000',
  'checkpoint.everyMinutes=1',
];

/**
 * Runs ordinary commands of the built CLI, so that an experiment can be stopped and started again at any time.
 *
 * @param jobs commands at once; each gets an equal share of the `threads`
 */
export function createRunner(experiment: string, { jobs, threads }: { jobs: number; threads: number }): Runner {
  const folder = (name: string): string => join('runs/experiments', experiment, name);
  const slot = limiter(jobs);
  const known = new Map<string, Promise<FinishedRun>>();
  const train = async (name: string, command: readonly string[], options: RunOptions): Promise<FinishedRun> => {
    const where = folder(name);
    const marker = join(root, where, 'finished.json');
    if (existsSync(marker)) return JSON.parse(readFileSync(marker, 'utf8')) as FinishedRun;
    const [verb = '', ...rest] = command;
    const task = verb === 'finetune' ? rest.slice(0, 1) : [];
    const shared =
      options.alone === true
        ? [`threads=${threads}`, `replicas=${threads}`]
        : [`threads=${Math.max(1, Math.floor(threads / jobs))}`, 'replicas=1'];
    // A first checkpoint stands before the first step; a folder without one never began.
    const begun = existsSync(join(root, where, 'weights/last.safetensors'));
    if (!begun) rmSync(join(root, where), { recursive: true, force: true });
    const given = begun ? [verb, ...task, '--resume', where] : [...command, '--out', where];
    const settings = options.plain === true ? [] : begun ? shared : [...shared, ...QUIET];
    console.error(`${begun ? 'going on' : 'starting'}: ${where}`);
    const { metrics, seconds } = await finish([...given, ...settings.flatMap((each) => ['--set', each]), '--json']);
    const shown = ['mae-tasks', ...command, '--out', where].map(quoted).join(' ');
    const finished: FinishedRun = { folder: where, command: shown, metrics, seconds };
    writeFileSync(marker, `${JSON.stringify(finished, null, 2)}\n`);
    if (options.keepWeights !== true) rmSync(join(root, where, 'weights'), { recursive: true });
    console.error(`finished in ${Math.round(seconds)} s: ${where} ${JSON.stringify(metrics)}`);
    return finished;
  };
  return {
    folder,
    run(name, command, options = {}) {
      const run = known.get(name) ?? slot(() => train(name, command, options));
      known.set(name, run);
      return run;
    },
  };
}

interface Finished {
  readonly metrics: Readonly<Record<string, number>>;
  readonly seconds: number;
}

/** The last record of a command that trains. @throws Error where it fails or is stopped */
async function finish(command: readonly string[]): Promise<Finished> {
  const child = spawn(process.execPath, [cli, ...command], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  let last: Finished | undefined;
  for await (const line of createInterface({ input: child.stdout })) {
    const record = JSON.parse(line) as { readonly type?: string } & Finished;
    if (record.type === 'finished') last = record;
  }
  const code = await ended;
  if (code === 0 && last !== undefined) return last;
  throw new Error(`ended with ${code ?? 'a signal'}: mae-tasks ${command.join(' ')}`);
}

/** Lets at most `count` tasks run at once. */
function limiter(count: number): <Result>(task: () => Promise<Result>) => Promise<Result> {
  const waiting: Array<() => void> = [];
  let free = count;
  return async (task) => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await task();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free++;
      else next();
    }
  };
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/u.test(word) ? word : `'${word}'`;
}
