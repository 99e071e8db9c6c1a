import { type DataSummary, summarizeData } from '../../data/tools/summarize.js';
import type { OpenedPictures } from './open-training-data.js';

/** What a training has to learn from, for people to see before it starts. */
export interface TrainingDataSummary {
  readonly train: DataSummary;
  readonly heldOut: DataSummary | undefined;
  /** Where the held-out pictures come from; undefined where there are none. */
  readonly heldOutBy: string | undefined;
}

/** Index maps that are opened before a training, in each part; all where there are no more. */
const COUNTED_MAPS = 64;

/**
 * The training data in numbers.
 *
 * @param countsMaps whether the pixels of index maps are counted, for which files are opened
 */
export async function describeTrainingData(
  { train, heldOut, heldOutBy }: Pick<OpenedPictures, 'train' | 'heldOut' | 'heldOutBy'>,
  { countsMaps = true }: { readonly countsMaps?: boolean } = {},
): Promise<TrainingDataSummary> {
  const options = { maxFiles: countsMaps ? COUNTED_MAPS : 0 };
  return {
    train: await summarizeData(train, options),
    heldOut: heldOut && (await summarizeData(heldOut, options)),
    heldOutBy,
  };
}
