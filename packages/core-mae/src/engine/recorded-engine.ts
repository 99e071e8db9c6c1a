import type { Engine, ProgramSpec, Replication } from '../contracts/engine.js';
import type { Recorder } from '../contracts/recorder.js';

/** The engine with the time of each compilation and of each program's runs recorded, under the program's name. */
export function recordedEngine(engine: Engine, recorder: Recorder): Engine {
  const { replication } = engine;
  const compileInTwo = engine.compileInTwo?.bind(engine);
  const compiling = <Result>({ name }: ProgramSpec, work: () => Promise<Result>): Promise<Result> =>
    recorder.time(`compiling ${name}`, work);
  const replicated: Replication | undefined = replication && {
    threads: replication.threads,
    async compile(spec, count) {
      const program = await compiling(spec, () => replication.compile(spec, count));
      return { ...program, run: (...given) => recorder.time(spec.name, () => program.run(...given)) };
    },
  };
  return {
    ...engine,
    recorder,
    async compile(spec) {
      const program = await compiling(spec, () => engine.compile(spec));
      return { ...program, run: (...given) => recorder.time(spec.name, () => program.run(...given)) };
    },
    ...(compileInTwo === undefined
      ? {}
      : {
          async compileInTwo(spec: ProgramSpec, late: readonly string[]) {
            const program = await compiling(spec, () => compileInTwo(spec, late));
            return {
              ...program,
              first: (...given: Parameters<typeof program.first>) =>
                recorder.time(`${spec.name}, first part`, () => program.first(...given)),
              second: (...given: Parameters<typeof program.second>) =>
                recorder.time(`${spec.name}, second part`, () => program.second(...given)),
            };
          },
        }),
    ...(replicated === undefined ? {} : { replication: replicated }),
  };
}
