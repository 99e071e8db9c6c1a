/*
 * plugin-detect: detection and instance segmentation as a plugin, equal to detectron2's ViTDet: `task` and `model` put
 * it together from `boxes/` (no tensors), `network/` (functions for the engine), `pooling/`, `inference/` and
 * `training/` (TypeScript between the programs). `recipes` are the published settings, `facts` what the data says.
 * Not here: COCO's files and scores, and masks: core's `data/coco` and `data/masks`.
 * Called by: core, which finds this default export by the package's name; scripts for the named ones.
 */

import { definePlugin, Task } from '@mae-tasks/core-mae/task';
import { detectTask } from './task.js';

export { type AnchorLevel, createAnchors } from './network/anchors.js';
export { type BoxWeights, clipBox, decodeBox, encodeBox, ROI_BOX_WEIGHTS, RPN_BOX_WEIGHTS } from './boxes/box-codec.js';
export { type BalancedSample, sampleBalanced } from './boxes/balanced-sampler.js';
export { type Detections, findDetections, type ScoredProposals } from './inference/detections.js';
export { type FoundObject, type FoundObjects, foundObjects } from './inference/found-objects.js';
export { detectorSpecs, pyramidLevels } from './network/detector.js';
export {
  type BoxLoss,
  type CascadeStage,
  detectorConfig,
  type DetectorConfig,
  type DetectorOptions,
  spreadGlobalBlocks,
} from './network/detector-config.js';
export { pasteMask } from './inference/mask-paste.js';
export { type Matches, matchBoxes, type MatchOptions } from './boxes/matcher.js';
export { type NmsInput, nonMaximumSuppression } from './boxes/nms.js';
export { padPictures } from './network/picture-batch.js';
export { type BoxStage, CASCADE_STAGES } from './network/box-stages.js';
export {
  createDetectionPipeline,
  type Detect,
  type DetectorPrograms,
  type RegionProgram,
  type RunProgram,
} from './inference/detection-pipeline.js';
export { createDetectPredictStep, type DetectPredictStep } from './inference/predict-step.js';
export {
  assignLevels,
  type FeatureLevel,
  type PoolOptions,
  type Regions,
  roiAlign,
  roiAlignGradient,
} from './pooling/roi-align.js';
export { findProposals, type ProposalOptions, type Proposals } from './network/rpn-proposals.js';
export {
  createDetectTrainStep,
  type DetectLosses,
  type DetectTrainStep,
  type DetectTrainStepOptions,
} from './training/train-step.js';
export { type ExportedDetector, exportedDetector } from './exported-detector.js';
export type { OneStageConfig } from './one-stage/config.js';
export { oneStageSpecs } from './one-stage/network.js';
export { createOneStagePredictStep } from './one-stage/predict-step.js';
export { createOneStageTrainStep } from './one-stage/train-step.js';
export type { DetectFacts } from './facts.js';
export { type CocoResult, cocoResults } from './inference/results.js';
export { detectRecipes } from './recipes.js';
export { type DetectSettings, detectSettings } from './settings.js';
export { detectTask };

export default definePlugin({
  name: 'detect',
  apiVersion: 2,
  register: ({ bind }) => bind(Task).toConstantValue(detectTask),
});
