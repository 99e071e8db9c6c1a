import type { PixelStatistics, TransformSpec } from '../../contracts/dataset.js';

/** Pretraining's only augmentation (He et al. 2022, Table 8): a random resized crop and a flip. */
export function pretrainTransforms(
  imageSize: readonly [number, number],
  { cropScale, cropRatio, flip }: { cropScale: readonly number[]; cropRatio: readonly number[]; flip: number },
  statistics: PixelStatistics,
): TransformSpec[] {
  return [
    { name: 'randomResizedCrop', options: { size: imageSize, scale: cropScale, ratio: cropRatio } },
    { name: 'horizontalFlip', options: { probability: flip } },
    { name: 'normalize', options: { ...statistics } },
  ];
}

/**
 * The official evaluation transform (util/datasets.py): the shorter side to size / 0.875 (size itself above 224), then
 * the centre. A model of pictures that are not square gets the whole picture, stretched.
 *
 * @param cropPct share of the shorter side that the centre keeps, timm's `crop_pct`; 1 cuts off the longer side alone.
 * Default: the official 0.875, above 224 pixels 1
 */
export function evaluationTransforms(
  imageSize: readonly [number, number],
  statistics: PixelStatistics,
  cropPct?: number | null,
): TransformSpec[] {
  const [height, width] = imageSize;
  const share = cropPct ?? (height <= 224 ? 0.875 : 1);
  const resize: TransformSpec[] =
    height === width
      ? [
          { name: 'resizeShorterSide', options: { size: Math.floor(height / share) } },
          { name: 'centerCrop', options: { size: imageSize } },
        ]
      : [{ name: 'resizeTo', options: { size: imageSize } }];
  return [...resize, { name: 'normalize', options: { ...statistics } }];
}
