import type { Engine } from '../contracts/engine.js';
import { MaeError } from '../errors.js';
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
  /** Threads of a compiled program; by default as many as the process has cores. */
  readonly threads?: number | undefined;
}

/**
 * An engine for this device.
 *
 * @throws MaeError `ENGINE_UNAVAILABLE` where a device asked for by name cannot be used
 */
export function createEngine({ device = 'auto' }: EngineOptions = {}): Promise<Engine> {
  switch (device) {
    case 'auto':
    case 'cpu':
    case 'wasm':
      return createTfjsEngine({ backend: 'wasm' });
    case 'tensorflow':
      return createTfjsEngine({ backend: 'tensorflow' });
    case 'javascript':
      return createTfjsEngine({ backend: 'cpu' });
    case 'webgpu':
    case 'cuda':
      return Promise.reject(
        new MaeError('ENGINE_UNAVAILABLE', {
          what: `the device "${device}" needs onnxruntime-node, which is not loaded`,
        }),
      );
  }
}
