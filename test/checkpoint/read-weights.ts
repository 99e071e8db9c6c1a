/** Opens a checkpoint as a command does and prints how that ended, and the memory that it took: run by a test. */
import { MaeError } from '#core/base/errors.js';
import { openWeights } from '#core/checkpoint/open-weights.js';
import { describeEncoder } from '#core/train/inputs/pretrained-encoder.js';

let words = 'opened';
try {
  describeEncoder(await openWeights(process.argv[2]!));
} catch (error) {
  if (!(error instanceof MaeError)) throw error;
  words = error.message;
}
const megabytes = Math.round(process.resourceUsage().maxRSS / 1024);
process.stdout.write(JSON.stringify({ words, megabytes }));
