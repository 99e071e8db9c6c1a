/** Settings of a detector that is tiny in every dimension. */
export const TINY_DETECTOR = {
  pyramidChannels: 16,
  windowSize: 4,
  rpn: {
    train: { beforeNms: 60, afterNms: 40 },
    test: { beforeNms: 60, afterNms: 30 },
  },
  boxHead: { numConvs: 1, convChannels: 16, hiddenFeatures: 32, proposalsPerImage: 32 },
  maskHead: { numConvs: 1, convChannels: 16, poolSize: 7 },
  detectionsPerImage: 20,
  augmentation: { scale: [1, 1], flip: 0 },
};

/** The same of a detector of one stage, on composed pictures. */
export const TINY_ONE_STAGE = {
  head: 'one-stage',
  windowSize: 8,
  oneStage: {
    strides: [4, 8],
    channels: 16,
    numConvs: 1,
    spatialPrior: 8,
    prototypes: { count: 4, channels: 8, pointsPerImage: 8 },
  },
  detectionsPerImage: 20,
  augmentation: { scale: [0.8, 1.2], translate: 0.1, mosaic: 0.5, copyPaste: 0.5 },
};
