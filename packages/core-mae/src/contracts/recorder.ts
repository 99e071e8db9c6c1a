/** One execution of an operator. */
export interface OperatorTime {
  /** `FusedMatMul`, `Softmax`; as the engine calls it. */
  readonly operator: string;
  /** Shapes of its inputs: `[8, 32] [32, 32]`. */
  readonly shapes: string;
  /** On the clock of `performance.now()`, in milliseconds. */
  readonly start: number;
  /** Milliseconds. */
  readonly duration: number;
}

/** Notes what a run spends its time on. */
export interface Recorder {
  /**
   * What `work` returns or resolves to; the time until then is the phase's. Phases nest: one that is timed while another
   * one works is part of it.
   *
   * @param phase for people: "evaluation", or a program's name
   */
  time<Result>(phase: string, work: () => Result | Promise<Result>): Promise<Result>;
  /**
   * Takes the operators of one run of a program, in order, some time after it has run.
   *
   * @param run counted from 0; the first makes memory and is slower
   */
  recordOperators(program: string, run: number, operators: readonly OperatorTime[]): void;
}

/** A recorder that notes nothing, for runs that nobody wants to know the times of. */
export const noRecorder: Recorder = {
  time: async (_, work) => work(),
  recordOperators: () => undefined,
};

/** The same values in order, the waiting for each of them timed; not, where nobody wants to know. */
export async function* timedIteration<Value>(
  recorder: Recorder | undefined = noRecorder,
  phase: string,
  values: AsyncIterable<Value>,
): AsyncGenerator<Value, void, void> {
  const iterator = values[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await recorder.time(phase, () => iterator.next());
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    await iterator.return?.();
  }
}
