/*
 * train/export/: a fine-tuned model for other programs: what there is to write of it (this file), as safetensors or
 * ONNX with a description beside it.
 * Not here: tracing and encoding: `engine/export-onnx`.
 * Called by: `mae-tasks export`, by the exporters that `core-plugin` binds; plugins bind more.
 */

import type { ExportedModel } from '../../contracts/exporter.js';
import { taskSettingsOf } from '../settings/finetune-config.js';
import type { LoadedTaskModel } from '../finetuning/load.js';

/** A fine-tuned model as exporters take it: its prediction, and what its input must be, as metadata. */
export function exportedModel({
  task,
  config,
  model,
  parameters,
  vit,
  statistics,
  facts,
}: LoadedTaskModel): ExportedModel {
  const { forward } = model.prediction;
  const { programs } = model;
  // A program that is called as its task is the whole model, and needs no name.
  const whole = programs?.[task.name];
  const only = whole ?? (programs !== undefined || 'createStep' in forward ? undefined : forward);
  return {
    name: task.name,
    parameters,
    forward: only,
    programs: whole === undefined ? programs : undefined,
    metadata: {
      task: task.name,
      input: 'images [batch, height, width, channels], float32, (value / 255 − mean) / std',
      imageSize: JSON.stringify(vit.imageSize),
      channels: String(vit.inChannels),
      mean: JSON.stringify(statistics.mean),
      std: JSON.stringify(statistics.std),
      facts: JSON.stringify(facts),
      vit: JSON.stringify(vit),
      settings: JSON.stringify(taskSettingsOf(config, task)),
    },
  };
}
