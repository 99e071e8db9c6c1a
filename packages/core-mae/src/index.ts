/**
 * What a script uses: pretrain on pictures, use the encoder, ask a fine-tuned model.
 *
 * Not here: what a task is made of (`/task`), annotations and their evaluation (`/coco`), whole runs with a folder, as
 * the command makes them (`/run`).
 *
 * @example
 * ```ts
 * import { createEngine, imageFolder, pretrain, presets, saveCheckpoint } from '@mae-tasks/core-mae';
 * const run = pretrain({ engine: await createEngine(), model: presets.tiny, data: imageFolder('photos/'), epochs: 100 });
 * for await (const { step, loss } of run) console.log(step, loss);
 * await saveCheckpoint('encoder.safetensors', run.encoder);
 * ```
 *
 * @packageDocumentation
 */

export { MaeError, type MaeErrorCode } from './base/errors.js';
export { createEngine, type Device, type EngineOptions } from './engine/select.js';
export { stopAtNotFinite } from './engine/stop-at-not-finite.js';
export type { Engine, NamedTensors, NotFiniteOperator } from './contracts/engine.js';
export type { OperatorTime, Recorder } from './contracts/recorder.js';
export type { ParameterTree } from './contracts/tensor.js';
export type { Dataset } from './contracts/dataset.js';
export { imageFolder, type ImageFolderOptions } from './data/readers/image-folder.js';
export { pictureList } from './data/readers/picture-list.js';
export { cocoDataset, type CocoDataset, type CocoDatasetOptions } from './data/readers/coco-instances.js';
export { createLoader, type Loader, type LoaderOptions } from './data/loading/loader.js';
export { createRandom } from './base/random.js';
export { pretrain, type PretrainOptions, type PretrainRun } from './train/pretraining/pretrain.js';
export type { StepRecord } from './train/loop/training.js';
export { type PresetName, presets } from './models/presets.js';
export type { MaeConfig, MaskOptions } from './models/mae-config.js';
export { type LoadedMae, loadMae, type LoadMaeOptions } from './train/pretraining/load.js';
export { saveCheckpoint, type SaveCheckpointOptions } from './checkpoint/save.js';
export { encodeImages } from './models/vit.js';
export { embed, type Embedding, type EmbedOptions, type Pooling } from './train/finetuning/embed.js';
export { corePlugin } from './core-plugin.js';
export { createRegistry, type PluginSource, type Registry } from './plugin/container.js';
export { type LoadedTaskModel, loadTaskModel, type LoadTaskOptions } from './train/finetuning/load.js';
export {
  evaluateTask,
  type Evaluation,
  type PredictedBatch,
  predictTask,
  type UseOptions,
} from './train/finetuning/use-model.js';
export type { BadImage } from './data/loading/bad-images.js';
export type { CheckpointSettings } from './train/settings/use-settings.js';
export type { ModelSettingsInput } from './train/settings/model-settings.js';
export type { MaskStrategy } from './models/masking.js';
