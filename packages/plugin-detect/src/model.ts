import type { Instances, Objective, Sample, SteppedTraining, TaskContext, TaskModel } from '@mae-tasks/core-mae/task';
import { createCocoEvaluator } from './inference/coco-evaluator.js';
import { detectorSpecs } from './network/detector.js';
import { detectorOfSettings } from './network/detector-of-settings.js';
import { exportedPrograms } from './inference/exported-detector.js';
import type { DetectFacts } from './facts.js';
import { detectorGroup } from './network/parameter-groups.js';
import { detectorForward } from './inference/forward.js';
import type { FoundObjects } from './inference/found-objects.js';
import { createPrediction } from './inference/prediction.js';
import type { DetectSettings } from './settings.js';
import { createDetectTrainStep } from './training/train-step.js';
import { trainingTarget, trainingTransforms } from './transforms.js';

/** A Mask R-CNN on the encoder. @throws MaeError `CONFIG_INVALID` */
export function createDetector(
  context: TaskContext<DetectSettings, DetectFacts>,
): TaskModel<FoundObjects, readonly FoundObjects[]> {
  const { settings, facts, vit, backbone, statistics, dropPath } = context;
  const config = detectorOfSettings(context);
  const parameters = detectorSpecs(config);

  const training: SteppedTraining = {
    transforms: trainingTransforms(vit, settings.augmentation, statistics),
    target: trainingTarget,
    async createStep(options) {
      const step = await createDetectTrainStep(config, { ...options, dropPath });
      return { ...step, run: (values, samples, run) => step.run(values, samples as Array<Sample<Instances>>, run) };
    },
  };
  const forward = detectorForward(config, context);
  const objective: Objective<readonly FoundObjects[]> = {
    name: 'detect',
    parameters,
    training,
    evaluation: forward,
    createEvaluator: () => createCocoEvaluator({ facts, masks: settings.masks, classes: config.test.classes! }),
    primaryMetric: { name: 'valBoxAP', better: 'higher' },
  };
  return {
    objective,
    prediction: createPrediction(forward, context),
    programs: exportedPrograms(config),
    checkpoint: {
      // Whatever is the detector's own starts anew; where a checkpoint of another detector has it and it fits, it is taken.
      allowMissing: [...OWN, ...Object.keys(parameters).filter((name) => /\.rel_pos_[hw]$/.test(name))],
      allowUnexpected: [...OWN, 'cls_token', 'norm.', 'fc_norm.', 'head.'],
      positionGrid: config.positionGrid,
    },
    parameterGroup: (name, _, decay) =>
      detectorGroup(name, {
        ...decay,
        depth: vit.depth,
        layerOf: (each) => backbone.layerOf(each, vit),
        decayNorms: settings.decayNorms,
      }),
  };
}

/** Where detectron2 has the pyramid, the proposal network and the heads. */
const OWN = ['backbone.', 'proposal_generator.', 'roi_heads.'];
