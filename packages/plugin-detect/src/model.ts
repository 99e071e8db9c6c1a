import type {
  ExportedProgram,
  Instances,
  Objective,
  ParameterSpecs,
  Sample,
  StepOptions,
  SteppedTraining,
  TaskContext,
  TaskModel,
} from '@mae-tasks/core-mae/task';
import { createCocoEvaluator } from './inference/coco-evaluator.js';
import { detectorSpecs } from './network/detector.js';
import { type DescribedDetector, detectorOfSettings } from './network/detector-of-settings.js';
import { exportedPrograms } from './inference/exported-programs.js';
import { type DetectFacts, predictsMasks } from './facts.js';
import { detectorGroup } from './network/parameter-groups.js';
import { detectorForward } from './inference/forward.js';
import type { FoundObjects } from './inference/found-objects.js';
import { createDetectPredictStep, type DetectPredictStep } from './inference/predict-step.js';
import { createPrediction } from './inference/prediction.js';
import { oneStageOfSettings } from './one-stage/config-of-settings.js';
import { oneStageSpecs } from './one-stage/network.js';
import { createOneStagePredictStep, oneStagePrograms } from './one-stage/predict-step.js';
import { createOneStageTrainStep } from './one-stage/train-step.js';
import type { DetectSettings } from './settings.js';
import { createDetectTrainStep, type DetectTrainStep, type DetectTrainStepOptions } from './training/train-step.js';
import { trainingTarget, trainingTransforms } from './transforms.js';

/** A detector on the encoder. @throws MaeError `CONFIG_INVALID` */
export function createDetector(
  context: TaskContext<DetectSettings, DetectFacts>,
): TaskModel<FoundObjects, readonly FoundObjects[]> {
  const { settings, facts, vit, backbone, statistics, dropPath } = context;
  const head = settings.head === 'one-stage' ? oneStageDetector(context) : twoStageDetector(context);
  const { parameters, classes } = head;

  const training: SteppedTraining = {
    transforms: trainingTransforms(vit, settings.augmentation, statistics),
    target: trainingTarget(settings.augmentation),
    async createStep(options) {
      const step = await head.createTrainStep({ ...options, dropPath });
      return { ...step, run: (values, samples, run) => step.run(values, samples as Array<Sample<Instances>>, run) };
    },
  };
  const forward = detectorForward((options) => head.createPredictStep(options), context);
  const objective: Objective<readonly FoundObjects[]> = {
    name: 'detect',
    parameters,
    training,
    evaluation: forward,
    createEvaluator: () => createCocoEvaluator({ facts, masks: predictsMasks(settings, facts), classes }),
    primaryMetric: { name: 'valBoxAP', better: 'higher' },
    baseline: {
      metric: 'valBoxAP50',
      better: 'higher',
      value: FOUND_NOTHING,
      of: 'a detector that finds next to nothing',
      advice: 'train for longer, or raise `optimizer.lr` or `model.imageSize`',
    },
  };
  return {
    objective,
    prediction: createPrediction(forward, context),
    programs: head.programs,
    checkpoint: {
      // Whatever is the detector's own starts anew; where a checkpoint of another detector has it and it fits, it is taken.
      allowMissing: [...OWN, ...Object.keys(parameters).filter((name) => /\.rel_pos_[hw]$/.test(name))],
      allowUnexpected: [...OWN, 'cls_token', 'norm.', 'fc_norm.', 'head.'],
      positionGrid: head.positionGrid,
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

/** Box AP50 up to which a detector has found nothing but by chance. */
const FOUND_NOTHING = 0.01;

/** Where detectron2 has the pyramid, the proposal network and the heads, and others what a head of one stage has. */
const OWN = ['backbone.', 'proposal_generator.', 'roi_heads.', 'bbox_head.', 'mask_head.', 'spm.'];

/** What distinguishes the detectors. */
interface DetectorParts {
  readonly parameters: ParameterSpecs;
  createTrainStep(options: DetectTrainStepOptions): Promise<DetectTrainStep>;
  createPredictStep(options: StepOptions): Promise<DetectPredictStep>;
  readonly programs: Readonly<Record<string, ExportedProgram>>;
  readonly positionGrid: readonly [number, number];
  /** Indices of the classes that are looked for. */
  readonly classes: readonly number[];
}

/** A Mask R-CNN. */
function twoStageDetector(described: DescribedDetector): DetectorParts {
  const config = detectorOfSettings(described);
  return {
    parameters: detectorSpecs(config),
    createTrainStep: (options) => createDetectTrainStep(config, options),
    createPredictStep: (options) => createDetectPredictStep(config, options),
    programs: exportedPrograms(config),
    positionGrid: config.positionGrid,
    classes: config.test.classes!,
  };
}

function oneStageDetector(described: DescribedDetector): DetectorParts {
  const config = oneStageOfSettings(described);
  return {
    parameters: oneStageSpecs(config),
    createTrainStep: (options) => createOneStageTrainStep(config, options),
    createPredictStep: (options) => createOneStagePredictStep(config, options),
    programs: oneStagePrograms(config),
    positionGrid: config.positionGrid,
    classes: config.test.classes!,
  };
}
