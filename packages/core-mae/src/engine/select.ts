/*
 * engine/: running functions that are written in TF.js. `createEngine` chooses between `onnx` (traced once, run
 * compiled) and `tfjs` (op by op); `recorded-engine` and `stop-at-not-finite` are engines around an engine;
 * `parameter-arena` is memory that native code reads.
 * Not here: models, and what is done with gradients: the optimizers' arithmetic is in `engine/kernels`, their rules in
 * `optim/`.
 * Called by: scripts and commands, once; everything else is handed the engine. `nn/` calls `fused-ops`.
 */

import type { Engine } from '../contracts/engine.js';
import type { Recorder } from '../contracts/recorder.js';
import { MaeError } from '../base/errors.js';
import { createOnnxEngine } from './onnx.js';
import { recordedEngine } from './recorded-engine.js';
import { createTfjsEngine } from './tfjs.js';

/**
 * Where programs run. `cpu`, `webgpu` and `cuda`: compiled, by ONNX Runtime. `tensorflow` (the tfjs-node addons),
 * `wasm` and `javascript`: op by op, by TF.js. `auto`: compiled on the CPU, or the best TF.js backend there is.
 */
export const DEVICES = ['auto', 'cpu', 'webgpu', 'cuda', 'tensorflow', 'wasm', 'javascript'] as const;
export type Device = (typeof DEVICES)[number];

export interface EngineOptions {
  /** Default `auto`. */
  readonly device?: Device | undefined;
  /** Threads of a compiled program; default: the cores available to this process. */
  readonly threads?: number | undefined;
  /** Receives one line when `auto` has to fall back; by default a process warning. */
  readonly warn?: ((line: string) => void) | undefined;
  /** Told of the time of compilations, programs and operators. */
  readonly recorder?: Recorder | undefined;
}

/**
 * An engine for this device.
 *
 * @throws MaeError `ENGINE_UNAVAILABLE` where a device asked for by name cannot be used
 */
export async function createEngine({ recorder, ...options }: EngineOptions = {}): Promise<Engine> {
  const engine = await createPlainEngine({ recorder, ...options });
  return recorder === undefined ? engine : recordedEngine(engine, recorder);
}

async function createPlainEngine({
  device = 'auto',
  threads,
  warn = warnProcess,
  recorder,
}: EngineOptions): Promise<Engine> {
  switch (device) {
    case 'cpu':
    case 'webgpu':
    case 'cuda':
      return createOnnxEngine({ provider: device, threads, recorder });
    case 'tensorflow':
    case 'wasm':
      return createTfjsEngine({ backend: device, recorder });
    case 'javascript':
      return createTfjsEngine({ backend: 'cpu', recorder });
    case 'auto':
      try {
        return await createOnnxEngine({ threads, recorder });
      } catch (error) {
        if (!isUnavailable(error)) throw error;
        return fallBack(error, warn, recorder);
      }
  }
}

/** The native TF.js addon where it is installed, else WebAssembly. */
async function fallBack(
  reason: MaeError,
  warn: (line: string) => void,
  recorder: Recorder | undefined,
): Promise<Engine> {
  try {
    const engine = await createTfjsEngine({ backend: 'tensorflow', recorder });
    warn(insteadOf(reason, engine, ''));
    return engine;
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    const engine = await createTfjsEngine({ backend: 'wasm', recorder });
    warn(insteadOf(reason, engine, ', about 60 times slower'));
    return engine;
  }
}

/** One line that ends with the command to type, so that it can be copied. */
function insteadOf({ what, fix }: MaeError, { description }: Engine, cost: string): string {
  const line = `${what}. Running on ${description} instead${cost}`;
  return fix === undefined ? line : `${line} — ${fix}`;
}

function isUnavailable(error: unknown): error is MaeError {
  return error instanceof MaeError && error.code === 'ENGINE_UNAVAILABLE';
}

function warnProcess(line: string): void {
  process.emitWarning(line, 'MaeTasksWarning');
}
