import { fileURLToPath } from 'node:url';
import { benchFile, compare, type Comparison } from '../compare.js';
import { stepSettings, timeSteps } from './mae-step.js';

const ROUNDS = 3;

/**
 * A whole MAE training step (forward, backward, AdamW) against PyTorch eager on the same model, batch and cores; each
 * side in a process of its own, alternating. `memoryRatio` is that of the processes' highest resident memory.
 */
export function run(): Comparison[] {
  return Object.entries(stepSettings).map(([key, { config, batchSize, steps }]) => {
    const peerArguments = [
      ['--image', config.imageSize[0]],
      ['--patch', config.patchSize],
      ['--dim', config.embedDim],
      ['--depth', config.depth],
      ['--heads', config.numHeads],
      ['--decoder-dim', config.decoderEmbedDim],
      ['--decoder-depth', config.decoderDepth],
      ['--decoder-heads', config.decoderNumHeads],
      ['--batch', batchSize],
      ['--steps', steps],
    ].flat();
    const name = `train-step (${key})`;
    const peer = [benchFile('peers/torch_mae_step.py'), ...peerArguments.map(String)];
    return compare(name, ROUNDS, [benchFile('training/train-step.ts'), key], peer);
  });
}

// As a process of its own: one setting, measured.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const times = await timeSteps(stepSettings[process.argv[2] as 'a' | 'b']);
  console.log(JSON.stringify({ ...times, peakMiB: process.resourceUsage().maxRSS / 1024 }));
}
