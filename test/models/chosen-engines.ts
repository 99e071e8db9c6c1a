import type { Engine } from '#core/contracts/engine.js';
import { createEngine, DEVICES, type Device } from '#core/engine/select.js';

/** An engine's name for a test's title, and how to start it. */
export type EngineCase = readonly [name: string, start: () => Promise<Engine>];

/**
 * The engines that parity tests run on: TF.js in JavaScript and the compiled one. `MAE_TASKS_ENGINE` names one device
 * instead, such as `tensorflow` (see docs/backends.md).
 */
export function chosenEngines(): readonly EngineCase[] {
  const device = process.env.MAE_TASKS_ENGINE ?? '';
  if (device !== '') return [[device, () => createEngine({ device: knownDevice(device) })]];
  return [
    ['eager', () => createEngine({ device: 'javascript' })],
    ['compiled', () => createEngine({ device: 'cpu', threads: 1 })],
  ];
}

function knownDevice(name: string): Device {
  const device = DEVICES.find((known) => known === name);
  if (device === undefined) throw new Error(`MAE_TASKS_ENGINE is "${name}"; devices are ${DEVICES.join(', ')}`);
  return device;
}
