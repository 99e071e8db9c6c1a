import type { Objective } from '../../contracts/objective.js';
import type { TaskModel } from '../../contracts/task.js';
import { createForwardStep } from '../loop/steps.js';

/** What a task draws while it trains: as the objective says, else the answers to some samples as `predict` draws them. */
export function drawingOf({ objective, prediction }: TaskModel): Pick<Objective, 'draw'> {
  if (objective.draw !== undefined) return { draw: (context) => objective.draw!(context) };
  if (prediction.draw === undefined) return {};
  return {
    async draw({ engine, parameters, samples, random }) {
      const setting = { engine, batchSize: samples.length };
      const step = await createForwardStep(`${objective.name}.draw`, prediction.forward, objective.parameters, setting);
      try {
        const results = prediction.decode(await step.run(parameters, samples, random), samples);
        return await prediction.draw!(samples, results);
      } finally {
        step.dispose();
      }
    },
  };
}
