import type { Batch, TensorSpec } from '../contracts/tensor.js';
import type { MaeConfig, MaskOptions } from './mae-config.js';
import { countVisible } from './masking.js';
import { patchGrid } from './vit-config.js';

/**
 * What one MAE step reads besides the parameters. With K visible of L patches in each of B pictures:
 *
 * - `images` `[B, H, W, C]` float32, normalised
 * - `visiblePatches` `[K·B]`: rows of the patch matrix (`patch · B + picture`) that the encoder sees
 * - `visiblePositions` `[K·B]`: their rows in the position table (`patch + 1`)
 * - `tokenSources` `[(1+L)·B]`: for each place of the decoder its row among the encoded tokens, or `(1+K)·B` for the
 *   mask token
 * - `tokenPlaces` `[(1+K)·B]`: the inverse, for each encoded token its place in the decoder
 * - `removedPlaces` `[(L−K)·B]`: the places of the mask tokens
 * - `removedRows` `[(1+L)·B]`: the inverse, or `(L−K)·B` where a place is not removed
 * - `removedPatches` `[(L−K)·B]`: rows of the patch matrix to be reconstructed
 */
export function maeBatchSpec(
  config: MaeConfig,
  { maskRatio }: Pick<MaskOptions, 'maskRatio'>,
  batchSize: number,
): Readonly<Record<string, TensorSpec>> {
  const { numPatches } = patchGrid(config);
  const visible = countVisible(numPatches, maskRatio);
  const int32 = (rows: number): TensorSpec => ({ shape: [rows * batchSize], dtype: 'int32' });
  return {
    images: { shape: [batchSize, ...config.imageSize, config.inChannels], dtype: 'float32' },
    visiblePatches: int32(visible),
    visiblePositions: int32(visible),
    tokenSources: int32(1 + numPatches),
    tokenPlaces: int32(1 + visible),
    removedPlaces: int32(numPatches - visible),
    removedRows: int32(1 + numPatches),
    removedPatches: int32(numPatches - visible),
  };
}

/**
 * The batch of one step.
 *
 * @param images `[B, H, W, C]`, normalised
 * @param patchOrders for each picture its patches, visible ones first (see `masking.ts`)
 */
export function createMaeBatch(
  config: MaeConfig,
  options: Pick<MaskOptions, 'maskRatio'>,
  images: Float32Array,
  patchOrders: readonly Int32Array[],
): Batch {
  const batchSize = patchOrders.length;
  const spec = maeBatchSpec(config, options, batchSize);
  const { numPatches } = patchGrid(config);
  const numVisible = countVisible(numPatches, options.maskRatio);
  const numRemoved = numPatches - numVisible;
  const maps = Object.fromEntries(
    Object.entries(spec)
      .filter(([name]) => name !== 'images')
      .map(([name, { shape }]) => [name, new Int32Array(shape[0] ?? 0)]),
  ) as Record<string, Int32Array>;

  maps.removedRows!.fill(numRemoved * batchSize);
  patchOrders.forEach((order, picture) => {
    maps.tokenSources![picture] = picture;
    maps.tokenPlaces![picture] = picture;
    for (let i = 0; i < numPatches; i++) {
      const patch = order[i]!;
      const patchRow = patch * batchSize + picture;
      const place = (patch + 1) * batchSize + picture;
      if (i < numVisible) {
        const row = i * batchSize + picture;
        maps.visiblePatches![row] = patchRow;
        maps.visiblePositions![row] = patch + 1;
        maps.tokenSources![place] = row + batchSize;
        maps.tokenPlaces![row + batchSize] = place;
      } else {
        const row = (i - numVisible) * batchSize + picture;
        maps.tokenSources![place] = (1 + numVisible) * batchSize;
        maps.removedPlaces![row] = place;
        maps.removedRows![place] = row;
        maps.removedPatches![row] = patchRow;
      }
    }
  });
  return Object.fromEntries(
    Object.entries(spec).map(([name, tensor]) => [name, { ...tensor, data: name === 'images' ? images : maps[name]! }]),
  );
}
