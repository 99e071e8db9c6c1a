import { saveCheckpoint, optimizerTensors } from '#core/checkpoint/save.js';
import type { Parameter } from '#core/contracts/tensor.js';

// Run by save.test.ts, which kills it: saves checkpoint after checkpoint, each full of its step's number.
const [path = '', firstStep = '1'] = process.argv.slice(2);
const weight: Parameter = { name: 'weight', shape: [1 << 20], data: new Float32Array(1 << 20) };
const momentum: Parameter = { ...weight, data: new Float32Array(1 << 20) };
for (let step = Number(firstStep); ; step++) {
  weight.data.fill(step);
  momentum.data.fill(step);
  const extra = optimizerTensors({ exp_avg: new Map([['weight', momentum]]) });
  await saveCheckpoint(path, new Map([['weight', weight]]), { extra, metadata: { step: String(step) } });
  process.stdout.write(`${step}\n`);
}
