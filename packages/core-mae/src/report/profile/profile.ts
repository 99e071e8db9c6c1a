/*
 * report/profile/: where a run's time went: a recorder (see `contracts/recorder`) that adds up phases, programs and
 * operators (this file), and the trace that browsers show of them.
 * Not here: taking the times: the loop and the engines do, by the engine's `recorder`.
 * Called by: the command's `--profile`, and scripts that hand it to `createEngine`.
 */

import type { OperatorTime, Recorder } from '../../contracts/recorder.js';
import { chromeTrace, type Span } from './chrome-trace.js';

/** What a phase took, with those inside it. */
export interface PhaseTime {
  readonly name: string;
  /** Milliseconds, with all that is inside. */
  readonly milliseconds: number;
  readonly count: number;
  readonly phases: readonly PhaseTime[];
}

/** What an operator of a program takes. */
export interface OperatorShare {
  readonly program: string;
  readonly operator: string;
  /** Mean milliseconds of all its executions in one run of the program. */
  readonly milliseconds: number;
  /** Executions in one run of the program. */
  readonly count: number;
  /** Runs of the program in this profile, recorded by operator or not. */
  readonly programRuns: number;
}

/** A recorder that can say what it noted. */
export interface Profile extends Recorder {
  /** Milliseconds since the profile was made. */
  elapsed(): number;
  /** All phases, by time from the longest; what of `elapsed` is not in them was spent between them. */
  phases(): readonly PhaseTime[];
  /** Operators by their time in all runs of their program, from the longest; without a program's first run. */
  operators(): readonly OperatorShare[];
  /** The JSON of a Chrome trace, for chrome://tracing and ui.perfetto.dev. */
  trace(title: string): string;
}

export interface ProfileOptions {
  /** Spans of one name that the trace keeps: the first ones. Default 1000. */
  readonly maxSpans?: number | undefined;
  /** Operators that the trace keeps: the first ones. Default 100,000, about 15 MB. */
  readonly maxOperators?: number | undefined;
  /** Milliseconds of a clock that never goes back; operators are timed by `performance.now`. */
  readonly now?: (() => number) | undefined;
}

interface Phase {
  readonly name: string;
  milliseconds: number;
  count: number;
  readonly phases: Map<string, Phase>;
}

interface ProgramOperators {
  /** Runs that the sums are of. */
  runs: number;
  /** Whether these are of the first run, which later ones replace. */
  warmUp: boolean;
  readonly sums: Map<string, { milliseconds: number; count: number }>;
}

/**
 * A profile that begins now. Its sums are of everything; the trace is kept bounded however long the run is.
 */
export function createProfile({
  maxSpans = 1000,
  maxOperators = 100_000,
  now = () => performance.now(),
}: ProfileOptions = {}): Profile {
  const startedAt = now();
  const root = newPhase('');
  let current = root;
  const spans: Span[] = [];
  const spansOf = new Map<string, number>();
  const operatorSpans: Span[] = [];
  const programs = new Map<string, ProgramOperators>();
  const runsOf = new Map<string, number>();

  const keep = (name: string, start: number, duration: number): void => {
    const kept = spansOf.get(name) ?? 0;
    if (kept >= maxSpans) return;
    spansOf.set(name, kept + 1);
    spans.push({ name, start: start - startedAt, duration });
  };
  return {
    async time(name, work) {
      const parent = current;
      const phase = parent.phases.get(name) ?? newPhase(name);
      parent.phases.set(name, phase);
      current = phase;
      const start = now();
      try {
        return await work();
      } finally {
        const duration = now() - start;
        current = parent;
        phase.milliseconds += duration;
        phase.count++;
        runsOf.set(name, (runsOf.get(name) ?? 0) + 1);
        keep(name, start, duration);
      }
    },
    recordOperators(program, run, operators) {
      addOperators(programs, program, run, operators);
      for (const { operator, shapes, start, duration } of operators.slice(0, maxOperators - operatorSpans.length)) {
        operatorSpans.push({ name: operator, start: start - startedAt, duration, details: { program, run, shapes } });
      }
    },
    elapsed: () => now() - startedAt,
    phases: () => phaseTimes(root),
    operators() {
      const shares = [...programs].flatMap(([program, { runs, sums }]) =>
        [...sums].map(([operator, { milliseconds, count }]) => ({
          program,
          operator,
          milliseconds: milliseconds / runs,
          count: count / runs,
          programRuns: runsOf.get(program) ?? runs,
        })),
      );
      return shares.sort((a, b) => b.milliseconds * b.programRuns - a.milliseconds * a.programRuns);
    },
    trace: (title) =>
      chromeTrace(
        title,
        [
          { name: 'phases and programs', spans },
          { name: 'operators', spans: operatorSpans },
        ],
        {
          kept: `the first ${maxSpans} spans of each name, and of the first runs of each program at most ${maxOperators} operators`,
          phases: phaseTimes(root),
        },
      ),
  };
}

function newPhase(name: string): Phase {
  return { name, milliseconds: 0, count: 0, phases: new Map() };
}

function phaseTimes({ phases }: Phase): PhaseTime[] {
  return [...phases.values()]
    .map((phase) => ({ ...phase, phases: phaseTimes(phase) }))
    .sort((a, b) => b.milliseconds - a.milliseconds);
}

function addOperators(
  programs: Map<string, ProgramOperators>,
  program: string,
  run: number,
  operators: readonly OperatorTime[],
): void {
  let known = programs.get(program);
  if (known === undefined || (known.warmUp && run > 0)) {
    known = { runs: 0, warmUp: run === 0, sums: new Map() };
    programs.set(program, known);
  } else if (run === 0) {
    return;
  }
  known.runs++;
  for (const { operator, duration } of operators) {
    const sum = known.sums.get(operator) ?? { milliseconds: 0, count: 0 };
    known.sums.set(operator, { milliseconds: sum.milliseconds + duration, count: sum.count + 1 });
  }
}
