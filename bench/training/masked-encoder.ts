import { defaultMaskOptions } from '../../packages/core-mae/src/models/mae-config.js';
import { presets } from '../../packages/core-mae/src/models/presets.js';
import { timeSteps } from './mae-step.js';

const BATCH_SIZE = 8;
const STEPS = 2;

/**
 * How much a training step gains from an encoder that only sees the visible patches (He et al. 2022, Table 2, ViT-L:
 * 2.8 times; 3.7 times with a decoder of one block). Forward and backward, without the optimizer. `ratio` is the
 * speed-up over an encoder with mask tokens, higher is better.
 */
export async function run(): Promise<object[]> {
  const seconds = async (decoderDepth: number, encodeMaskTokens: boolean): Promise<number> => {
    const setting = { config: { ...presets.large, decoderDepth }, batchSize: BATCH_SIZE, steps: STEPS };
    const times = await timeSteps(setting, {}, { ...defaultMaskOptions, encodeMaskTokens });
    return times.seconds - times.optimizerSeconds;
  };
  const withMaskTokens = await seconds(8, true);
  const results: object[] = [];
  for (const [decoderDepth, paper] of [
    [8, 2.8],
    [1, 3.7],
  ] as const) {
    const visibleOnly = await seconds(decoderDepth, false);
    const name = `masked-encoder (decoder of ${decoderDepth})`;
    results.push({ name, ratio: withMaskTokens / visibleOnly, paper, withMaskTokens, visibleOnly, better: 'higher' });
  }
  return results;
}
