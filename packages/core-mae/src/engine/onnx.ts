import type {
  Engine,
  Program,
  ProgramSpec,
  ReplicatedProgram,
  Replication,
  TensorFunction,
  TwoPartProgram,
} from '../contracts/engine.js';
import type { Recorder } from '../contracts/recorder.js';
import { type HostTensor, sizeOf, type TensorSpec } from '../contracts/tensor.js';
import { availableCores } from './available-cores.js';
import { checkInputs } from './programs/check-inputs.js';
import { findChannelBlock } from './onnx/session/channel-block.js';
import { encodeModel } from './onnx/encode.js';
import type { Graph } from './onnx/graph.js';
import { optimize } from './onnx/passes/optimize.js';
import { blockConvolutions } from './onnx/passes/block-convolutions.js';
import { findNotFiniteOperator } from './onnx/session/not-finite-operator.js';
import { createProfiledSession } from './onnx/session/profiled-session.js';
import { createReplicas } from './onnx/session/replicas.js';
import { findResultStop, RESULT_STOP } from './onnx/session/result-stop.js';
import {
  createSession,
  loadOnnxRuntime,
  type Provider,
  requireProvider,
  type Session,
} from './onnx/session/session.js';
import { graphNames, trace } from './onnx/trace/trace.js';
import { createTwoPartProgram } from './onnx/session/two-part-program.js';

export interface OnnxEngineOptions {
  /** Default `cpu`. */
  readonly provider?: Provider | undefined;
  /** Threads within an operation; default: the cores available to this process. */
  readonly threads?: number | undefined;
  /** Told of the operators of every program's first runs. With replicas, of those of the replica in this thread. */
  readonly recorder?: Recorder | undefined;
}

/**
 * An engine that traces each function once, with its gradients, into an ONNX graph and runs that by ONNX Runtime.
 * Programs are made once per function, shapes and gradients.
 *
 * @throws MaeError `ENGINE_UNAVAILABLE`
 */
export async function createOnnxEngine({
  provider = 'cpu',
  threads = availableCores(),
  recorder,
}: OnnxEngineOptions = {}): Promise<Engine> {
  const runtime = await loadOnnxRuntime();
  await requireProvider(runtime, provider);
  const compiled = new Map<TensorFunction, Map<string, Promise<Compiled>>>();

  const replicated = new Set<ReplicatedProgram>();

  const block = provider === 'cpu' ? await findChannelBlock(runtime) : undefined;
  const sequenceOutput = provider === 'cpu' && (await findResultStop(runtime)) ? RESULT_STOP : undefined;
  const runnable = (graph: Graph): Graph => {
    // Providers of GPUs know no FusedMatMul and would hand it back to the CPU, with copies both ways.
    const optimized = optimize(graph, provider === 'cpu' ? 'fast' : 'portable');
    return block === undefined ? optimized : blockConvolutions(optimized, block);
  };
  const load = (model: Uint8Array, name: string, share = threads): Promise<Session> => {
    const create = (profile?: string) => createSession(runtime, model, name, { provider, threads: share, profile });
    return recorder === undefined ? create() : createProfiledSession(name, recorder, create);
  };
  const encode = (spec: ProgramSpec) => {
    const { graph, outputs } = trace(spec);
    return { outputs, model: encodeModel(runnable(graph), spec.name, { sequenceOutput }) };
  };
  const compile = async (spec: ProgramSpec): Promise<Compiled> => {
    const { outputs, model } = encode(spec);
    return { outputs, session: await load(model, spec.name) };
  };
  const inTwo = new Set<TwoPartProgram>();
  const compileInTwo = async (spec: ProgramSpec, late: readonly string[]): Promise<TwoPartProgram> => {
    const { graph, outputs } = trace(spec);
    const program = await createTwoPartProgram(spec, late, { graph: runnable(graph), outputs }, (part, name) =>
      load(encodeModel(part, name, { sequenceOutput }), name),
    );
    const dispose = async (): Promise<void> => {
      if (inTwo.delete(owned)) await program.dispose();
    };
    const owned: TwoPartProgram = { ...program, dispose };
    inTwo.add(owned);
    return owned;
  };
  const replication: Replication = {
    threads,
    async compile(spec, count) {
      const { outputs, model } = encode(spec);
      const share = Math.max(1, Math.floor(threads / count));
      const session = await load(model, spec.name, share);
      const first = createProgram(spec, { outputs, session });
      try {
        const program = await createReplicas({ spec, model, outputs, first, count, threads: share });
        const dispose = async (): Promise<void> => {
          if (!replicated.delete(owned)) return;
          await program.dispose();
          await session.release();
        };
        const owned: ReplicatedProgram = { ...program, dispose };
        replicated.add(owned);
        return owned;
      } catch (error) {
        await session.release();
        throw error;
      }
    },
  };

  return {
    name: 'onnx',
    description: `onnxruntime-node ${runtime.env.versions.node ?? ''} (${provider}${provider === 'cpu' ? `, ${threads} ${threads === 1 ? 'thread' : 'threads'}` : ''})`,
    async compile(spec) {
      const programs = compiled.get(spec.fn) ?? new Map<string, Promise<Compiled>>();
      compiled.set(spec.fn, programs);
      const key = JSON.stringify([spec.parameters, spec.batch, spec.gradients ?? []]);
      const program = programs.get(key) ?? compile(spec);
      programs.set(key, program);
      try {
        return createProgram(spec, await program);
      } catch (error) {
        programs.delete(key);
        throw error;
      }
    },
    findNotFinite: (spec, parameters, batch, results) => {
      checkInputs({ ...spec, gradients: [] }, parameters, batch);
      return findNotFiniteOperator(spec, parameters, batch, results, (graph, name) =>
        createSession(runtime, encodeModel(graph, name, { sequenceOutput }), name, { provider, threads }),
      );
    },
    ...(provider === 'cpu' ? { replication, compileInTwo } : {}),
    async dispose() {
      for (const program of [...inTwo]) await program.dispose();
      for (const program of [...replicated]) await program.dispose();
      const sessions = [...compiled.values()].flatMap((programs) => [...programs.values()]);
      compiled.clear();
      for (const { session } of await Promise.all(sessions)) {
        await session.release();
      }
    },
  };
}

interface Compiled {
  readonly session: Session;
  readonly outputs: Readonly<Record<string, TensorSpec>>;
}

function createProgram(spec: ProgramSpec, { session, outputs }: Compiled): Program {
  const results: Record<string, HostTensor> = {};
  const fetched = new Map<string, HostTensor>();
  const allocate = (graphName: string, name: string, { shape, dtype }: TensorSpec): void => {
    const Values = { float32: Float32Array, int32: Int32Array, bool: Uint8Array }[dtype];
    results[name] = { shape, dtype, data: new Values(sizeOf(shape)) };
    fetched.set(graphName, results[name]);
  };
  for (const [name, output] of Object.entries(outputs)) allocate(graphNames.output(name), name, output);
  const parameterGradients = (spec.gradients ?? []).filter((name) => name in spec.parameters);
  for (const name of spec.gradients ?? []) {
    if (!(name in spec.parameters)) allocate(graphNames.gradient(name), `grad.${name}`, spec.batch[name]!);
  }
  return {
    outputs,
    async run(parameters, batch, gradients) {
      checkInputs(spec, parameters, batch, gradients);
      const inputs = new Map<string, HostTensor>();
      for (const [name, shape] of Object.entries(spec.parameters)) {
        inputs.set(graphNames.parameter(name), { shape, dtype: 'float32', data: parameters.get(name)!.data });
      }
      for (const name of Object.keys(spec.batch)) inputs.set(graphNames.batch(name), batch[name]!);
      for (const name of parameterGradients) {
        const { shape, data } = gradients!.get(name)!;
        fetched.set(graphNames.gradient(name), { shape, dtype: 'float32', data });
      }
      await session.run(inputs, fetched);
      return results;
    },
    // Sessions belong to the engine, which may hand the same one out again.
    dispose: () => undefined,
  };
}
