import type { Engine, NotFiniteOperator, ProgramSpec, Replication } from '../contracts/engine.js';
import { noRecorder } from '../contracts/recorder.js';
import type { Batch, HostTensor, ParameterTree } from '../contracts/tensor.js';
import { MaeError } from '../base/errors.js';
import { describeValues, isAllFinite, summarize } from './programs/not-finite.js';

type Outputs = Readonly<Record<string, HostTensor>>;

/** What a run was given, and what came of it. */
interface FinishedRun {
  readonly spec: ProgramSpec;
  readonly parameters: ParameterTree;
  readonly batch: Batch;
  readonly outputs: Outputs;
  readonly gradients: ParameterTree | undefined;
}

/**
 * The engine, for debugging: a training program whose loss or gradients are not finite ends with an error that names the
 * first parameter, entry of the batch, operator and gradient that is not. It looks at every gradient of every run, and
 * computes a run again only where something was found.
 */
export function stopAtNotFinite(engine: Engine): Engine {
  const check = async (run: FinishedRun): Promise<void> => {
    const results = notFiniteResults(run);
    if (results.length > 0) throw await explain(engine, run, results);
  };
  const replication: Replication | undefined = engine.replication && checkedReplication(engine.replication, check);
  const compileInTwo = engine.compileInTwo?.bind(engine);
  return {
    ...engine,
    async compile(spec) {
      const program = await engine.compile(spec);
      // Programs without gradients evaluate or draw: what they may return is the task's affair.
      if ((spec.gradients ?? []).length === 0) return program;
      return {
        ...program,
        async run(parameters, batch, gradients) {
          const outputs = await program.run(parameters, batch, gradients);
          await check({ spec, parameters, batch, outputs, gradients });
          return outputs;
        },
      };
    },
    ...(compileInTwo === undefined
      ? {}
      : {
          async compileInTwo(spec: ProgramSpec, late: readonly string[]) {
            const program = await compileInTwo(spec, late);
            return {
              ...program,
              async first(parameters: ParameterTree, batch: Batch) {
                const outputs = await program.first(parameters, batch);
                const whole = { ...batch, ...zeros(spec, late) };
                await check({ spec, parameters, batch: whole, outputs, gradients: undefined });
                return outputs;
              },
              async second(parameters: ParameterTree, batch: Batch, gradients?: ParameterTree) {
                const outputs = await program.second(parameters, batch, gradients);
                await check({ spec, parameters, batch, outputs, gradients });
                return outputs;
              },
            };
          },
        }),
    ...(replication === undefined ? {} : { replication }),
  };
}

function checkedReplication(replication: Replication, check: (run: FinishedRun) => Promise<void>): Replication {
  return {
    threads: replication.threads,
    async compile(spec, count) {
      const program = await replication.compile(spec, count);
      return {
        ...program,
        async run(parameters, batches, gradients) {
          const parts = await program.run(parameters, batches, gradients);
          for (const [index, outputs] of parts.entries()) {
            await check({ spec, parameters, batch: batches[index]!, outputs, gradients });
          }
          return parts;
        },
      };
    },
  };
}

/**
 * Names of the outputs that are not finite, or else of the gradients as `grad.<name>`. Of outputs besides the loss only
 * NaN counts: scores of what is masked may well be infinite.
 */
function notFiniteResults({ spec, outputs, gradients }: FinishedRun): string[] {
  const isBad = ([name, { dtype, data }]: [string, HostTensor]): boolean => {
    if (dtype !== 'float32') return false;
    return name === 'loss' || name.startsWith('grad.') ? !isAllFinite(data) : data.some(Number.isNaN);
  };
  const bad = Object.entries(outputs)
    .filter(isBad)
    .map(([name]) => name);
  const computed = bad.filter((name) => !name.startsWith('grad.'));
  if (computed.length > 0) return computed.sort((a, b) => Number(b === 'loss') - Number(a === 'loss'));
  return [...bad, ...badGradients(spec, gradients).map((name) => `grad.${name}`)];
}

function badGradients(spec: ProgramSpec, gradients: ParameterTree | undefined): string[] {
  return (spec.gradients ?? []).filter((name) => {
    const gradient = gradients?.get(name);
    return gradient !== undefined && !isAllFinite(gradient.data);
  });
}

async function explain(engine: Engine, run: FinishedRun, results: readonly string[]): Promise<MaeError> {
  const { spec, parameters, batch, outputs, gradients } = run;
  const { recorder = noRecorder } = engine;
  const operator = await recorder.time('looking for it', () =>
    engine.findNotFinite?.(spec, parameters, batch, results),
  );
  const badParameters = Object.keys(spec.parameters).filter((name) => !isAllFinite(parameters.get(name)!.data));
  const badEntries = Object.keys(spec.batch).filter((name) => !isAllFinite(batch[name]!.data));
  const bad = badGradients(spec, gradients);
  const [first] = results as [string];
  const loss = outputs[first]?.data;
  const headline = first.startsWith('grad.')
    ? `the loss of ${spec.name} is finite, its gradients are not`
    : first === 'loss'
      ? `the loss of ${spec.name} is ${loss![0]}`
      : `the output "${first}" of ${spec.name} is not finite`;
  const lines = [
    `parameters: ${listed(Object.keys(spec.parameters).length, badParameters, (name) => parameters.get(name)!)}`,
    `batch: ${listed(Object.keys(spec.batch).length, badEntries, (name) => batch[name]!)}`,
    `operators: ${operatorLine(operator, engine)}`,
    ...(gradients === undefined
      ? []
      : [`gradients: ${listed((spec.gradients ?? []).length, bad, (name) => gradients.get(name)!)}`]),
  ];
  const advice = `advice: ${adviceFor(badParameters, badEntries, operator)}`;
  return new MaeError('LOSS_NOT_FINITE', { what: headline, details: [...lines, advice] });
}

type Values = Pick<HostTensor, 'shape' | 'data'>;

/** `all 12 are finite`, or how many are not and what is wrong with the first. */
function listed(count: number, bad: readonly string[], valuesOf: (name: string) => Values): string {
  const [first] = bad;
  if (first === undefined) return `all ${count} are finite`;
  const { shape, data } = valuesOf(first);
  return `${bad.length} of ${count} not finite, the first is "${first}" (${describeValues(summarize(shape, data))})`;
}

function operatorLine(found: NotFiniteOperator | undefined, engine: Engine): string {
  if (engine.findNotFinite === undefined) return `${engine.description} cannot tell`;
  if (found === undefined) return 'all are finite when they run one by one: a sum overflows only where they are fused';
  const { operator, inGradient, place, parameters, inputs, outputs } = found;
  const where = place === undefined ? '' : `, ${inGradient ? 'in the gradient of' : 'in'} ${place}`;
  const near =
    parameters.length === 0
      ? ''
      : `, near ${parameters
          .slice(0, 3)
          .map((name) => `"${name}"`)
          .join(', ')}`;
  return `the first is ${operator}${where}${near}: makes ${outputs.join('; ')} out of ${inputs.join('; ') || 'constants'}`;
}

function adviceFor(
  parameters: readonly string[],
  entries: readonly string[],
  operator: NotFiniteOperator | undefined,
): string {
  if (parameters.length > 0)
    return 'the parameters were spoilt before this step: start from a checkpoint that is whole';
  if (entries.length > 0) return 'look for values like these in the data';
  if (operator === undefined) return 'lower `optimizer.blr`, or set `optimizer.clipGrad`';
  return 'keep its input in range; where the model is not yours, lower `optimizer.blr` or set `optimizer.clipGrad`';
}

function zeros(spec: ProgramSpec, names: readonly string[]): Batch {
  return Object.fromEntries(
    names.map((name): [string, HostTensor] => {
      const { shape, dtype } = spec.batch[name]!;
      const size = shape.reduce((product, extent) => product * extent, 1);
      const Values = { float32: Float32Array, int32: Int32Array, bool: Uint8Array }[dtype];
      return [name, { shape, dtype, data: new Values(size) }];
    }),
  );
}
