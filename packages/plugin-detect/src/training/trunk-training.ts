import { type Batch, type Engine, type HostTensor, type ParameterTree, shapesOf } from '@mae-tasks/core-mae/task';
import type { DetectorConfig } from '../network/detector-config.js';
import { pictureSpec, trunkFunction, trunkLossFunction, trunkSpecs, trunkTargetSpec } from '../network/detector.js';
import { compileLate } from './late-program.js';

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

export async function createTrunkTraining(
  config: DetectorConfig,
  { engine, batchSize, gradients, dropPath }: TrunkTrainingOptions,
): Promise<TrunkTraining> {
  const targets = trunkTargetSpec(config, batchSize);
  const program = await compileLate(
    engine,
    {
      name: 'detect.trunk.loss',
      fn: trunkLossFunction(config),
      parameters: shapesOf(trunkSpecs(config)),
      batch: { ...pictureSpec(config, batchSize, dropPath), ...targets },
      gradients,
    },
    { late: Object.keys(targets), fn: trunkFunction(config) },
  );
  return {
    forward: (values, batch) => program.first(values, batch),
    backward: (values, batch, results) => program.second(values, batch, results),
    dispose: () => program.dispose(),
  };
}
