import { loadCheckpoint } from '#core/checkpoint/load.js';
import { mergeCheckpoint } from '#core/checkpoint/merge.js';
import type { Sample } from '#core/contracts/dataset.js';
import type { ParameterTree } from '#core/contracts/tensor.js';
import type { Instances } from '#core/data/targets/instance-target.js';
import { allocateOnHeap, shapesOf } from '#core/nn/params.js';
import { detectorConfig, type DetectorConfig, detectorSpecs } from '@mae-tasks/plugin-detect';
import { fixturePath } from '../fixture-path.js';
import { type Reference, toChannelsLast } from '../models/reference.js';

/** The tiny detector that `test/fixtures/vitdet` was computed with (see the files' metadata). */
export const referenceDetector: DetectorConfig = detectorConfig({
  vit: { imageSize: [128, 128], patchSize: 16, inChannels: 3, embedDim: 32, depth: 3, numHeads: 2, mlpRatio: 4 },
  numClasses: 5,
  positionGrid: [4, 4],
  windowSize: 3,
  globalBlocks: [2],
  pyramidChannels: 16,
  anchors: { sizes: [8, 16, 32, 64, 128], aspectRatios: [0.5, 1, 2] },
  rpn: {
    numConvs: 2,
    train: { beforeNms: 200, afterNms: 60 },
    test: { beforeNms: 100, afterNms: 40 },
    nmsThreshold: 0.7,
    iouThresholds: [0.3, 0.7],
    anchorsPerImage: 1_000_000,
    positiveFraction: 0.5,
    boxLoss: { kind: 'smooth-l1', beta: 0 },
  },
  boxHead: {
    numConvs: 2,
    convChannels: 16,
    hiddenFeatures: 32,
    poolSize: 7,
    samplingRatio: 0,
    iouThreshold: 0.5,
    proposalsPerImage: 1_000_000,
    positiveFraction: 0.25,
    boxLoss: { kind: 'smooth-l1', beta: 0 },
  },
  maskHead: { numConvs: 2, convChannels: 16, poolSize: 14 },
});

/** The reference's weights, every one of them loaded, under our names. */
export async function referenceWeights(): Promise<ParameterTree> {
  const parameters = allocateOnHeap(shapesOf(detectorSpecs(referenceDetector)));
  const path = fixturePath('vitdet/vitdet.safetensors');
  const { tensors } = await loadCheckpoint(path);
  mergeCheckpoint(parameters, tensors, { path });
  return parameters;
}

/** The reference's picture, normalised, with its objects. */
export function referenceSample(reference: Reference): Sample<Instances> {
  const [channels, height, width] = reference.shape('image') as [number, number, number];
  const pixels = toChannelsLast(reference.float32('image'), [1, channels, height, width]);
  const [mean, std] = [
    [123.675, 116.28, 103.53],
    [58.395, 57.12, 57.375],
  ];
  for (let i = 0; i < pixels.length; i++) pixels[i] = (pixels[i]! - mean[i % 3]!) / std[i % 3]!;
  const classes = Int32Array.from(reference.numbers('gt.classes'));
  const masks = reference.numbers('gt.masks');
  const area = width * height;
  return {
    id: 'reference',
    pixels,
    width,
    height,
    channels,
    originalWidth: width,
    originalHeight: height,
    target: {
      imageId: 0,
      ids: Float64Array.from(classes.keys()),
      boxes: reference.float32('gt.boxes'),
      classes,
      crowds: new Uint8Array(classes.length),
      masks: Array.from(classes, (_, i) => ({
        left: 0,
        top: 0,
        width,
        height,
        data: Uint8Array.from(masks.slice(i * area, (i + 1) * area)),
      })),
    },
  };
}

/** detectron2's name of one of our parameters. */
export function detectron2Name(name: string): string {
  return /^(pos_embed|patch_embed\.|blocks\.)/.test(name) ? `backbone.net.${name}` : name;
}
