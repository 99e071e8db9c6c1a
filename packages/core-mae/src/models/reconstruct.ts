import type { Engine } from '../contracts/engine.js';
import type { ParameterTree } from '../contracts/tensor.js';
import { shapesOf } from '../nn/params.js';
import { cutPatches, unpatchify } from './image-patches.js';
import { createMaeBatch, maeBatchSpec } from './mae-batch.js';
import type { MaeConfig, MaskOptions } from './mae-config.js';
import { maeReconstruction, maeSpecs, PATCH_VARIANCE_EPS } from './mae.js';
import { countVisible } from './masking.js';
import { patchGrid } from './vit-config.js';

/** One picture as the paper's figure 2 shows it; each `[H, W, C]`, in the units of the input. */
export interface Reconstruction {
  readonly original: Float32Array;
  /** The original with `removedValue` in place of the removed patches. */
  readonly masked: Float32Array;
  /** The model's prediction of every patch. */
  readonly reconstruction: Float32Array;
  /** The prediction with the visible patches pasted over it. */
  readonly pasted: Float32Array;
}

export interface ReconstructOptions {
  /** `[B, H, W, C]`, normalised. */
  readonly images: Float32Array;
  /** For each picture its patches, visible ones first (see `masking.ts`). */
  readonly patchOrders: readonly Int32Array[];
  /** What stands for a removed patch, by channel, in the units of the input. */
  readonly removedValue: readonly number[];
}

/** Fills in the removed patches of pictures. */
export type Reconstruct = (
  engine: Engine,
  parameters: ParameterTree,
  pictures: ReconstructOptions,
) => Promise<Reconstruction[]>;

/**
 * A function that fills in the removed patches of pictures; keep it, because engines compile it once.
 *
 * Under `normPixLoss` the model predicts normalised patches; each is brought back with the mean and deviation of the
 * original patch, so the reconstruction shows structure, not brightness that the model guessed.
 */
export function createReconstruct(config: MaeConfig, mask: MaskOptions): Reconstruct {
  const fn = maeReconstruction(config, mask);
  const { numPatches, patchValues } = patchGrid(config);
  const numVisible = countVisible(numPatches, mask.maskRatio);
  return async (engine, parameters, { images, patchOrders, removedValue }) => {
    const batchSize = patchOrders.length;
    const program = await engine.compile({
      name: 'mae.reconstruct',
      fn,
      parameters: shapesOf(maeSpecs(config, mask)),
      batch: maeBatchSpec(config, mask, batchSize),
    });
    try {
      const { prediction } = await program.run(parameters, createMaeBatch(config, mask, images, patchOrders));
      const predicted = prediction!.data as Float32Array; // [L, B, P]
      return patchOrders.map((order, picture) => {
        const original = images.subarray(picture * numPatches * patchValues, (picture + 1) * numPatches * patchValues);
        const target = cutPatches(original, config);
        const filled = new Float32Array(target.length);
        for (let patch = 0; patch < numPatches; patch++) {
          const from = (patch * batchSize + picture) * patchValues;
          filled.set(predicted.subarray(from, from + patchValues), patch * patchValues);
        }
        if (mask.normPixLoss) restorePatchStatistics(filled, target, patchValues);
        const [masked, pasted] = [target.slice(), filled.slice()];
        order.forEach((patch, place) => {
          const [start, end] = [patch * patchValues, (patch + 1) * patchValues];
          if (place < numVisible) pasted.set(target.subarray(start, end), start);
          else for (let i = start; i < end; i++) masked[i] = removedValue[(i - start) % config.inChannels]!;
        });
        return {
          original: original.slice(),
          masked: unpatchify(masked, config),
          reconstruction: unpatchify(filled, config),
          pasted: unpatchify(pasted, config),
        };
      });
    } finally {
      program.dispose();
    }
  };
}

/** Undoes the target's normalisation in place: `x · √(variance + eps) + mean` of each original patch. */
function restorePatchStatistics(predicted: Float32Array, target: Float32Array, patchValues: number): void {
  for (let start = 0; start < target.length; start += patchValues) {
    const patch = target.subarray(start, start + patchValues);
    const mean = patch.reduce((sum, value) => sum + value, 0) / patchValues;
    const variance = patch.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (patchValues - 1);
    const deviation = Math.sqrt(variance + PATCH_VARIANCE_EPS);
    for (let i = start; i < start + patchValues; i++) predicted[i] = predicted[i]! * deviation + mean;
  }
}
