import { definePlugin, Task } from '@mae-tasks/core-mae';
import { detectTask } from './task.js';

export { type AnchorLevel, createAnchors } from './anchors.js';
export { type BoxWeights, clipBox, decodeBox, encodeBox, ROI_BOX_WEIGHTS, RPN_BOX_WEIGHTS } from './box-codec.js';
export { type BalancedSample, sampleBalanced } from './balanced-sampler.js';
export { type DetectedBoxes, findDetections, rescaleDetections, type ScoredProposals } from './detections.js';
export { detectorSpecs, pyramidLevels } from './detector.js';
export {
  type BoxLoss,
  type CascadeStage,
  detectorConfig,
  type DetectorConfig,
  type DetectorOptions,
  spreadGlobalBlocks,
} from './detector-config.js';
export { pasteMask, regionToBitmap } from './mask-paste.js';
export { type Matches, matchBoxes, type MatchOptions } from './matcher.js';
export { type NmsInput, nonMaximumSuppression } from './nms.js';
export { padPictures } from './picture-batch.js';
export { type BoxStage, CASCADE_STAGES } from './box-stages.js';
export {
  createDetectionPipeline,
  type Detect,
  type Detections,
  type DetectorPrograms,
  type RegionProgram,
  type RunProgram,
} from './detection-pipeline.js';
export {
  createDetectPredictStep,
  type DetectPredictStep,
  type PictureDetections,
  toPictureSize,
} from './predict-step.js';
export {
  assignLevels,
  type FeatureLevel,
  type PoolOptions,
  type Regions,
  roiAlign,
  roiAlignGradient,
} from './roi-align.js';
export { findProposals, type ProposalOptions, type Proposals } from './rpn-proposals.js';
export {
  createDetectTrainStep,
  type DetectLosses,
  type DetectTrainStep,
  type DetectTrainStepOptions,
} from './train-step.js';
export { type ExportedDetector, exportedDetector } from './exported-detector.js';
export type { DetectFacts } from './facts.js';
export type { DetectedObject, ObjectPrediction } from './results.js';
export { detectRecipes } from './recipes.js';
export { type DetectSettings, detectSettings } from './settings.js';
export { detectTask };

export default definePlugin({
  name: 'detect',
  apiVersion: 1,
  register: ({ bind }) => bind(Task).toConstantValue(detectTask),
});
