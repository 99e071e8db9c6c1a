import type { Engine } from '../contracts/engine.js';
import type { ParameterTree } from '../contracts/tensor.js';
import { shapesOf } from '../nn/params.js';
import { cutPatches, unpatchify } from './image-patches.js';
import { createMaeBatch, maeBatchSpec } from './mae-batch.js';
import type { MaeConfig, MaskOptions } from './mae-config.js';
import { maeReconstruction, maeSpecs, PATCH_VARIANCE_EPS } from './mae.js';
import { countVisible } from './masking.js';
import { patchGrid } from './vit-config.js';

/**
 * One picture as the paper's figure 2 shows it; each `[H, W, C]`, in the units of the input. What the model was not told
 * is in `withTruth` alone, so that a model that has learned nothing looks like it everywhere else.
 */
export interface Reconstruction {
  readonly original: Float32Array;
  /** The original with `removedValue` in place of the removed patches. */
  readonly masked: Float32Array;
  /** The model's own prediction of every patch; normalised patches (`normPixLoss`) are shown around `removedValue`. */
  readonly prediction: Float32Array;
  /** The prediction with the visible patches pasted over it. */
  readonly pasted: Float32Array;
  /**
   * Under `normPixLoss`: the prediction brought back with each original patch's own mean and deviation, which the model
   * does not predict, and the visible patches over it. It shows what of the structure was found.
   */
  readonly withTruth?: Float32Array;
}

export interface ReconstructOptions {
  /** `[B, H, W, C]`, normalised. */
  readonly images: Float32Array;
  /** For each picture its patches, visible ones first (see `masking.ts`). */
  readonly patchOrders: readonly Int32Array[];
  /** What stands for a removed patch, by channel, in the units of the input. */
  readonly removedValue: readonly number[];
  /** What one deviation of a normalised patch is shown as, by channel, in the units of the input. */
  readonly deviationValue: readonly number[];
}

/** Fills in the removed patches of pictures. */
export type Reconstruct = (
  engine: Engine,
  parameters: ParameterTree,
  pictures: ReconstructOptions,
) => Promise<Reconstruction[]>;

/**
 * A function that fills in the removed patches of pictures; keep it, because engines compile it once.
 */
export function createReconstruct(config: MaeConfig, mask: MaskOptions): Reconstruct {
  const fn = maeReconstruction(config, mask);
  const { numPatches, patchValues } = patchGrid(config);
  const numVisible = countVisible(numPatches, mask.maskRatio);
  return async (engine, parameters, { images, patchOrders, removedValue, deviationValue }) => {
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
        const visible = order.subarray(0, numVisible);
        const withVisible = (patches: Float32Array): Float32Array => {
          const pasted = patches.slice();
          for (const patch of visible) {
            const [start, end] = [patch * patchValues, (patch + 1) * patchValues];
            pasted.set(target.subarray(start, end), start);
          }
          return unpatchify(pasted, config);
        };
        const removed = target.map((_, i) => removedValue[i % config.inChannels]!);
        const shown = mask.normPixLoss
          ? filled.map((value, i) => value * deviationValue[i % config.inChannels]! + removed[i]!)
          : filled;
        return {
          original: original.slice(),
          masked: withVisible(removed),
          prediction: unpatchify(shown, config),
          pasted: withVisible(shown),
          ...(mask.normPixLoss ? { withTruth: withVisible(withPatchStatistics(filled, target, patchValues)) } : {}),
        };
      });
    } finally {
      program.dispose();
    }
  };
}

/** Undoes the target's normalisation: `x · √(variance + eps) + mean` of each original patch. */
function withPatchStatistics(predicted: Float32Array, target: Float32Array, patchValues: number): Float32Array {
  const restored = predicted.slice();
  for (let start = 0; start < target.length; start += patchValues) {
    const patch = target.subarray(start, start + patchValues);
    const mean = patch.reduce((sum, value) => sum + value, 0) / patchValues;
    const variance = patch.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (patchValues - 1);
    const deviation = Math.sqrt(variance + PATCH_VARIANCE_EPS);
    for (let i = start; i < start + patchValues; i++) restored[i] = restored[i]! * deviation + mean;
  }
  return restored;
}
