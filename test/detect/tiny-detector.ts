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
