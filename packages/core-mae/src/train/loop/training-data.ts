import type { Sample } from '../../contracts/dataset.js';
import type { BadImage } from '../../data/loading/bad-images.js';

/** Decoded batches in the order of an epoch, a pure function of the epoch and the place in it. */
export interface BatchSource {
  readonly batchesPerEpoch: number;
  /**
   * The epoch's batches from `firstBatch` on.
   *
   * @param epochs of the whole training, for transforms that change with it. Default: they are as at its start
   */
  batches(epoch: number, firstBatch: number, epochs?: number): AsyncIterable<readonly Sample[]>;
  /** Told of every batch that a step is done with: the pixels of later ones may take its memory. */
  release?(batch: readonly Sample[]): void;
}

/**
 * The same batches, but epochs end after some of them; every epoch draws its own order, so that later ones bring what
 * earlier ones left out.
 *
 * @param most batches of an epoch; more than there are changes nothing
 */
export function shortenEpochs(source: BatchSource, most: number): BatchSource {
  if (source.batchesPerEpoch <= most) return source;
  return {
    ...source,
    batchesPerEpoch: most,
    async *batches(epoch, firstBatch, epochs) {
      if (firstBatch >= most) return;
      let index = firstBatch;
      for await (const samples of source.batches(epoch, firstBatch, epochs)) {
        yield samples;
        index++;
        if (index >= most) return;
      }
    },
  };
}

/** The held-out pictures in order; the last batch may be short. */
export interface HeldOutBatches {
  readonly batchSize: number;
  batches(): AsyncIterable<readonly Sample[]>;
}

/** How many pictures, and which: a digest of their names in order. */
export interface PictureSet {
  readonly count: number;
  readonly digest: string;
}

/** Names of pictures in order. */
export interface PictureNames {
  readonly train: readonly string[];
  readonly heldOut: readonly string[];
}

/** A training's pictures as its loop meets them. */
export interface TrainingData {
  /** For messages: where the pictures lie. */
  readonly name: string;
  readonly pictures: { readonly train: PictureSet; readonly heldOut: PictureSet };
  /** The same pictures by name, in order. */
  pictureNames(): PictureNames;
  /** Pictures in a batch of `train`. */
  readonly batchSize: number;
  readonly train: BatchSource;
  readonly heldOut: HeldOutBatches | undefined;
  /** Pictures from all over the held-out data (or the training data), through the evaluation transforms. */
  drawnSamples(count: number): Promise<readonly Sample[]>;
  /** Pictures that were passed over so far. */
  badImages(): readonly BadImage[];
  /** Ends the worker threads. */
  close(): Promise<void>;
}
