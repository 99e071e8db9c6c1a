import type { Backbone, VitConfig } from '../../contracts/backbone.js';
import type { Objective } from '../../contracts/objective.js';
import type { PixelStatistics } from '../../contracts/dataset.js';
import type { Task, TaskModel } from '../../contracts/task.js';
import { MaeError } from '../../base/errors.js';
import { groupEach, layerDecayGroup, type ParameterGroups } from '../../optim/param-groups.js';
import { resolveEncoder } from '../settings/encoder-settings.js';
import { type FinetuneConfig, taskSettingsOf } from '../settings/finetune-config.js';
import { drawingOf } from './draw-predictions.js';
import { freezeEncoder } from './freeze.js';
import { requireStatistics } from '../settings/data-settings.js';
import { trainableShapes } from '../loop/training.js';

/** A task's model as a configuration describes it. */
export interface BuiltModel {
  readonly task: Task;
  readonly config: FinetuneConfig;
  readonly facts: unknown;
  readonly vit: VitConfig;
  readonly backbone: Backbone;
  readonly statistics: PixelStatistics;
  /** The objective's parameters say what the mode leaves fixed. */
  readonly model: TaskModel;
}

/** @throws MaeError `CONFIG_INVALID` */
export function buildTaskModel(
  task: Task,
  config: FinetuneConfig,
  facts: unknown,
  backbones: ReadonlyMap<string, Backbone>,
): BuiltModel {
  const vit = resolveEncoder(config.model);
  const backbone = backboneNamed(config.model.backbone, backbones);
  const { mode, blocks, dropPath } = config;
  const statistics = requireStatistics(config.data, vit.inChannels);
  const settings = taskSettingsOf(config, task);
  const created = task.createModel({ settings, facts, mode, vit, backbone, dropPath, statistics });
  const parameters = freezeEncoder(created.objective.parameters, { mode, blocks, vit, backbone });
  const model: TaskModel = {
    ...created,
    objective: { ...created.objective, ...drawingOf(created), parameters },
  };
  return { task, config, facts, vit, backbone, statistics, model };
}

/** What the optimizer applies to each trained parameter. */
export function parameterGroupsOf({ model, config, vit, backbone }: BuiltModel, objective: Objective): ParameterGroups {
  const { layerDecay, weightDecay } = config.optimizer;
  const layerOf = (name: string): number | undefined => backbone.layerOf(name, vit);
  return groupEach(trainableShapes(objective), (name, shape) =>
    model.parameterGroup === undefined
      ? layerDecayGroup(name, shape, { depth: vit.depth, layerDecay, weightDecay, layerOf })
      : model.parameterGroup(name, shape, { layerDecay, weightDecay }),
  );
}

function backboneNamed(name: string, backbones: ReadonlyMap<string, Backbone>): Backbone {
  const backbone = backbones.get(name);
  if (backbone !== undefined) return backbone;
  throw new MaeError('CONFIG_INVALID', {
    what: `there is no \`model.backbone\` (=${name})`,
    fix: `installed are ${[...backbones.keys()].join(', ')}`,
  });
}
