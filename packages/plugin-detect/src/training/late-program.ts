import type { Engine, ProgramSpec, TensorFunction, TwoPartProgram } from '@mae-tasks/core-mae/task';

/** Which entries of a batch come late, and what can be computed without them. */
export interface LateEntries {
  readonly late: readonly string[];
  /** The outputs that need no late entry. */
  readonly fn: TensorFunction;
}

/** One program whose targets come late, where the engine has such; else two, of which the second repeats the first. */
export async function compileLate(
  engine: Engine,
  whole: ProgramSpec,
  { late, fn }: LateEntries,
): Promise<TwoPartProgram> {
  if (engine.compileInTwo !== undefined) return engine.compileInTwo(whole, late);
  const { parameters } = whole;
  const batch = Object.fromEntries(Object.entries(whole.batch).filter(([name]) => !late.includes(name)));
  const forward = await engine.compile({ name: `${whole.name}, first part`, fn, parameters, batch });
  const backward = await engine.compile(whole);
  return {
    first: (values, pictures) => forward.run(values, pictures),
    second: (values, all, results) => backward.run(values, all, results),
    dispose() {
      forward.dispose();
      backward.dispose();
      return Promise.resolve();
    },
  };
}
