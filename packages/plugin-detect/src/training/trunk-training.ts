import {
  type Batch,
  type Engine,
  type HostTensor,
  type ParameterTree,
  type ProgramSpec,
  shapesOf,
} from '@mae-tasks/core-mae/task';
import type { DetectorConfig } from '../network/detector-config.js';
import { pictureSpec, trunkFunction, trunkLossFunction, trunkSpecs, trunkTargetSpec } from '../network/detector.js';

type Outputs = Readonly<Record<string, HostTensor>>;

/** The trunk's two passes in a training step. */
export interface TrunkTraining {
  /** Features and proposals' scores of a batch of pictures. */
  forward(parameters: ParameterTree, pictures: Batch): Promise<Outputs>;
  /** The proposal network's losses, and all of the trunk's gradients. @param batch the pictures and the targets */
  backward(parameters: ParameterTree, batch: Batch, gradients: ParameterTree): Promise<Outputs>;
  dispose(): void | Promise<void>;
}

export interface TrunkTrainingOptions {
  readonly engine: Engine;
  readonly batchSize: number;
  /** Names of the trunk's parameters that gradients are wanted for. */
  readonly gradients: readonly string[];
  readonly dropPath: boolean;
}

/** One program whose targets come late, where the engine has such; else two, of which the second repeats the first. */
export async function createTrunkTraining(
  config: DetectorConfig,
  { engine, batchSize, gradients, dropPath }: TrunkTrainingOptions,
): Promise<TrunkTraining> {
  const parameters = shapesOf(trunkSpecs(config));
  const pictures = pictureSpec(config, batchSize, dropPath);
  const targets = trunkTargetSpec(config, batchSize);
  const whole: ProgramSpec = {
    name: 'detect.trunk.loss',
    fn: trunkLossFunction(config),
    parameters,
    batch: { ...pictures, ...targets },
    gradients,
  };
  if (engine.compileInTwo !== undefined) {
    const program = await engine.compileInTwo(whole, Object.keys(targets));
    return {
      forward: (values, batch) => program.first(values, batch),
      backward: (values, batch, results) => program.second(values, batch, results),
      dispose: () => program.dispose(),
    };
  }
  const forward = await engine.compile({
    name: 'detect.trunk',
    fn: trunkFunction(config),
    parameters,
    batch: pictures,
  });
  const backward = await engine.compile(whole);
  return {
    forward: (values, batch) => forward.run(values, batch),
    backward: (values, batch, results) => backward.run(values, batch, results),
    dispose() {
      forward.dispose();
      backward.dispose();
    },
  };
}
