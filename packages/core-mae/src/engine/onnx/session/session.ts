/*
 * engine/onnx/session/: ONNX Runtime: sessions of encoded graphs (this file), replicas in threads, programs in two
 * parts, profiles, and what is found out of the installed library before it is used.
 * Not here: graphs and their rewriting; a session is given bytes.
 * Called by: `engine/onnx.ts`.
 */

import type * as onnxRuntime from 'onnxruntime-node';
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import type { HostTensor } from '../../../contracts/tensor.js';
import { MaeError, messageOf } from '../../../base/errors.js';
import { encodeModel } from '../encode.js';
import { createGraphBuilder } from '../graph.js';
import { missingLibrary } from './missing-library.js';
import { isResultStop, RESULT_STOP } from './result-stop.js';

/** Where ONNX Runtime runs a graph. */
export type Provider = 'cpu' | 'webgpu' | 'cuda';

type OnnxRuntime = typeof onnxRuntime;

/** A graph loaded into ONNX Runtime. */
export interface Session {
  /**
   * Runs the graph: reads `inputs` and writes `outputs` in place, both by name and without copies (on the CPU). Blocks
   * the event loop meanwhile: ONNX Runtime's own promise is resolved by a synchronous call.
   */
  run(inputs: ReadonlyMap<string, HostTensor>, outputs: ReadonlyMap<string, HostTensor>): Promise<void>;
  /** Ends profiling, which writes the profile's file. */
  endProfiling(): void;
  release(): Promise<void>;
}

export interface SessionOptions {
  readonly provider: Provider;
  readonly threads: number;
  /** Prefix of a profile's file; absent, nothing is profiled. */
  readonly profile?: string | undefined;
}

/**
 * The library, loaded at the first call.
 *
 * @throws MaeError `ENGINE_UNAVAILABLE`: it is an optional dependency, and its native part may not load here
 */
export async function loadOnnxRuntime(): Promise<OnnxRuntime> {
  try {
    const runtime = await import('onnxruntime-node');
    // Errors are thrown with the same text; the library would print them as well.
    runtime.env.logLevel = 'fatal';
    return runtime;
  } catch (cause) {
    throw missingLibrary(cause);
  }
}

/**
 * Makes sure that the provider can be used here, by loading a program of one node: what a build lists may still lack its
 * libraries or a device.
 *
 * @throws MaeError `ENGINE_UNAVAILABLE`
 */
export async function requireProvider(runtime: OnnxRuntime, provider: Provider): Promise<void> {
  if (provider === 'cpu') return;
  const graph = createGraphBuilder();
  const x = graph.input('x', [1], 'float32');
  const doubled = graph.node(
    'Add',
    [x, x],
    [x.shape].map((shape) => ({ shape, type: 'float32' as const })),
  )[0]!;
  const model = encodeModel(graph.finish([graph.output('y', doubled)]), 'probe');
  try {
    const session = await runtime.InferenceSession.create(model, {
      executionProviders: [provider],
      logSeverityLevel: 4,
    });
    await session.run({ x: new runtime.Tensor('float32', Float32Array.of(1), [1]) });
    await session.release();
  } catch (cause) {
    throw new MaeError('ENGINE_UNAVAILABLE', {
      what: `the device "${provider}" cannot be used: ${messageOf(cause).split('\n')[0]!}`,
      fix:
        provider === 'cuda'
          ? 'it needs an NVIDIA GPU and onnxruntime-node installed with its CUDA libraries (x64 Linux); else use --device cpu'
          : 'it needs a GPU that ONNX Runtime accepts; else use --device cpu',
      cause,
    });
  }
}

/** @throws MaeError `ENGINE_UNAVAILABLE` where the provider refuses, `TRACE_UNSUPPORTED` where the graph is refused */
export async function createSession(
  runtime: OnnxRuntime,
  model: Uint8Array,
  name: string,
  { provider, threads, profile }: SessionOptions,
): Promise<Session> {
  const options: InferenceSession.SessionOptions = {
    executionProviders: provider === 'cpu' ? ['cpu'] : [provider, 'cpu'],
    graphOptimizationLevel: 'all',
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    // The pattern's one block for all values costs a large model a gigabyte and saves no time.
    enableMemPattern: false,
    logSeverityLevel: 3,
    ...(profile === undefined ? {} : { enableProfiling: true, profileFilePrefix: profile }),
  };
  let session: InferenceSession;
  try {
    session = await runtime.InferenceSession.create(model, options);
  } catch (cause) {
    throw new MaeError(provider === 'cpu' ? 'TRACE_UNSUPPORTED' : 'ENGINE_UNAVAILABLE', {
      what: `ONNX Runtime refuses the program: ${messageOf(cause)}`,
      where: name,
      cause,
    });
  }
  const wrap = tensorCache(runtime);
  const stops = session.outputNames.includes(RESULT_STOP);
  return {
    async run(inputs, outputs) {
      const fetches = { ...wrapAll(outputs, wrap), ...(stops ? { [RESULT_STOP]: null } : {}) };
      try {
        await session.run(wrapAll(inputs, wrap), fetches);
      } catch (error) {
        if (!(stops && isResultStop(error))) throw error;
      }
    },
    endProfiling: () => session.endProfiling(),
    release: () => session.release(),
  };
}

type Wrap = (name: string, tensor: HostTensor) => Tensor;

/** Reuses a tensor object as long as the same array comes under the same name, as parameters do step after step. */
function tensorCache(runtime: OnnxRuntime): Wrap {
  const cache = new Map<string, Tensor>();
  return (name, { dtype, data, shape }) => {
    const cached = cache.get(name);
    if (cached?.data === data) return cached;
    const tensor = new runtime.Tensor(dtype, data as Float32Array, shape);
    cache.set(name, tensor);
    return tensor;
  };
}

function wrapAll(tensors: ReadonlyMap<string, HostTensor>, wrap: Wrap): Record<string, Tensor> {
  return Object.fromEntries([...tensors].map(([name, tensor]) => [name, wrap(name, tensor)]));
}
