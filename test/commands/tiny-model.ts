/** Flags of a model that trains in milliseconds. */
export const TINY_MODEL = [
  '--image-size',
  '16',
  '--patch-size',
  '4',
  '--set',
  'model.embedDim=16',
  'model.depth=2',
  'model.numHeads=2',
  'model.decoderEmbedDim=8',
  'model.decoderDepth=1',
  'model.decoderNumHeads=2',
] as const;
