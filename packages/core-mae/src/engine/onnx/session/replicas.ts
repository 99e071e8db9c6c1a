import type { Program, ProgramSpec, ReplicatedProgram } from '../../../contracts/engine.js';
import type { HostTensor, TensorSpec } from '../../../contracts/tensor.js';
import { checkInputs } from '../../programs/check-inputs.js';
import { type ReplicaThread, startReplica } from './replica-thread.js';
import { blockBytes, type BlockSpecs, tensorsIn } from './tensor-block.js';
import { graphNames } from '../trace/trace.js';

export interface ReplicasOptions {
  readonly spec: ProgramSpec;
  /** The encoded graph. */
  readonly model: Uint8Array;
  /** The function's outputs. */
  readonly outputs: Readonly<Record<string, TensorSpec>>;
  /** The replica of this thread. It works on the caller's arrays; the others on copies. */
  readonly first: Program;
  /** All replicas, the first included. */
  readonly count: number;
  /** Threads of each replica. */
  readonly threads: number;
}

/**
 * A program that runs in several threads at once, each with its part of a batch, a session and a copy of the
 * parameters.
 *
 * Gradients are added up in the replicas' order, so that the same parts give the same bits.
 *
 * @throws MaeError `ENGINE_UNAVAILABLE` or `TRACE_UNSUPPORTED`
 */
export async function createReplicas(options: ReplicasOptions): Promise<ReplicatedProgram> {
  const { spec, first, count } = options;
  const gradientNames = spec.gradients ?? [];
  const parameters = sharedBlock(
    renamed(spec.parameters, graphNames.parameter, (shape) => ({ shape, dtype: 'float32' })),
  );
  const starting = Array.from({ length: count - 1 }, () => startOther(options, parameters));
  const started = await Promise.allSettled(starting);
  const others = started.filter((result) => result.status === 'fulfilled').map(({ value }) => value);
  const close = async (): Promise<void> => {
    await Promise.all(others.map(({ thread }) => thread.close()));
    first.dispose();
  };
  const refused = started.find((result) => result.status === 'rejected');
  if (refused !== undefined) {
    await close();
    throw refused.reason;
  }
  return {
    async run(tree, batches, gradients) {
      if (batches.length !== count) throw new Error(`${batches.length} batches came for ${count} replicas.`);
      for (const batch of batches) checkInputs(spec, tree, batch, gradients);
      for (const name of Object.keys(spec.parameters)) {
        parameters.tensors.get(graphNames.parameter(name))!.data.set(tree.get(name)!.data);
      }
      others.forEach(({ batch }, index) => {
        for (const name of Object.keys(spec.batch)) {
          batch.get(graphNames.batch(name))!.data.set(batches[index + 1]![name]!.data);
        }
      });
      // The others are asked first: the session of this thread blocks it.
      const asked = others.map(({ thread }) => thread.run());
      const answers = await Promise.allSettled([first.run(tree, batches[0]!, gradients), ...asked]);
      const failed = answers.find((answer) => answer.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
      for (const name of gradientNames) {
        average(
          gradients.get(name)!.data,
          others.map(({ results }) => results.get(graphNames.gradient(name))!.data as Float32Array),
        );
      }
      const [firstOutputs] = answers as [PromiseFulfilledResult<Readonly<Record<string, HostTensor>>>];
      return [firstOutputs.value, ...others.map(({ outputs }) => outputs)];
    },
    dispose: close,
  };
}

interface OtherReplica {
  readonly thread: ReplicaThread;
  readonly batch: ReadonlyMap<string, HostTensor>;
  readonly results: ReadonlyMap<string, HostTensor>;
  /** The outputs among the results, under their own names. */
  readonly outputs: Readonly<Record<string, HostTensor>>;
}

async function startOther(
  { spec, model, outputs, threads }: ReplicasOptions,
  parameters: Block,
): Promise<OtherReplica> {
  const batch = sharedBlock(renamed(spec.batch, graphNames.batch, (tensor) => tensor));
  const gradients = Object.fromEntries(
    (spec.gradients ?? []).map((name): [string, TensorSpec] => [
      graphNames.gradient(name),
      { shape: spec.parameters[name]!, dtype: 'float32' },
    ]),
  );
  const results = sharedBlock({ ...renamed(outputs, graphNames.output, (tensor) => tensor), ...gradients });
  const thread = await startReplica({
    name: spec.name,
    model,
    threads,
    parameters: parameters.shared,
    batch: batch.shared,
    results: results.shared,
  });
  return {
    thread,
    batch: batch.tensors,
    results: results.tensors,
    outputs: Object.fromEntries(
      Object.keys(outputs).map((name) => [name, results.tensors.get(graphNames.output(name))!]),
    ),
  };
}

interface Block {
  readonly shared: { readonly buffer: SharedArrayBuffer; readonly specs: BlockSpecs };
  readonly tensors: ReadonlyMap<string, HostTensor>;
}

function sharedBlock(specs: BlockSpecs): Block {
  const buffer = new SharedArrayBuffer(blockBytes(specs));
  return { shared: { buffer, specs }, tensors: tensorsIn(buffer, specs) };
}

function renamed<Value>(
  record: Readonly<Record<string, Value>>,
  nameOf: (name: string) => string,
  specOf: (value: Value) => TensorSpec,
): BlockSpecs {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [nameOf(name), specOf(value)]));
}

/** The mean of `into` and the others, in `into`. */
function average(into: Float32Array, others: readonly Float32Array[]): void {
  const share = 1 / (others.length + 1);
  for (const [index, other] of others.entries()) {
    const factor = index === others.length - 1 ? share : 1;
    for (let i = 0; i < into.length; i++) into[i] = (into[i]! + other[i]!) * factor;
  }
}
