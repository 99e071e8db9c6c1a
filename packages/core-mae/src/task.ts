/**
 * What the author of a plugin uses: the contracts, layers, targets, transforms and drawings that tasks are made of.
 *
 * Not here: engines, loops and folders of runs. Core has them and is the one that calls; a task is called. Masks as runs and
 * COCO's evaluation are in `/coco`, the contract suite for a plugin's tests in `/testing`.
 *
 * TensorFlow.js is here as `tf`, a namespace: a plugin that takes it from core never brings a second copy.
 *
 * @example
 * ```ts
 * import { definePlugin, Task } from '@mae-tasks/core-mae/task';
 * import { depthTask } from './depth-task.js';
 * export default definePlugin({ name: 'depth', apiVersion: 2, register: ({ bind }) => bind(Task).toConstantValue(depthTask) });
 * ```
 *
 * @packageDocumentation
 */

import * as tf from '@tensorflow/tfjs';

/** TensorFlow.js as core has it: a plugin that takes it from here can never bring a second copy. */
export { tf };
export { MaeError, type MaeErrorCode, type MaeErrorParts } from './base/errors.js';
export { definePlugin, type Plugin, type PluginDefinition, type PluginInfo } from './plugin/define-plugin.js';
export {
  type CheckpointAllowances,
  type FrozenEncoder,
  type PictureIdentity,
  type PredictedFile,
  type FittedSettings,
  type Recipe,
  type RecipeContext,
  Task,
  type TaskContext,
  type TaskFlag,
  type TaskModel,
  type TaskPrediction,
  type TuningMode,
} from './contracts/task.js';
export type {
  Baseline,
  BatchedFunction,
  DrawContext,
  Drawing,
  EvaluationDetails,
  EvaluationTable,
  Evaluator,
  ExportedProgram,
  Forward,
  ForwardStep,
  Objective,
  PrimaryMetric,
  SamplePipeline,
  StepOptions,
  SteppedForward,
  SteppedTraining,
  TrainStep,
} from './contracts/objective.js';
export { Backbone, type EncodeOptions, type VitConfig } from './contracts/backbone.js';
export { DataReader, type OpenOptions } from './contracts/data-reader.js';
export { type ExportedModel, Exporter, type ExportModelOptions } from './contracts/exporter.js';
export {
  type MetricsRecord,
  type PictureRecord,
  type TrackedRun,
  type Tracker,
  TrackerFactory,
} from './contracts/tracker.js';
export type {
  DataMeasures,
  Dataset,
  ImageSource,
  Item,
  Labelling,
  PixelStatistics,
  Sample,
  TransformSpec,
} from './contracts/dataset.js';
export type {
  Engine,
  NamedTensors,
  Program,
  ProgramSpec,
  ReplicatedProgram,
  Replication,
  TensorFunction,
  TwoPartProgram,
} from './contracts/engine.js';
export {
  type Batch,
  type DType,
  type HostTensor,
  type Outputs,
  type Parameter,
  type ParameterTree,
  type Shape,
  sizeOf,
  type TensorData,
  type TensorSpec,
} from './contracts/tensor.js';
export type { Initializer, ParameterGroup, ParameterSpec, ParameterSpecs } from './contracts/parameters.js';
export type { Random } from './contracts/random.js';
export { constant, normal, ones, truncatedNormal, xavierUniform, zeros } from './nn/init.js';
export {
  conv2d,
  conv2dSpecs,
  type ConvSpecOptions,
  normalByFanOut,
  transposedConv2d,
  transposedConv2dSpecs,
  uniformByFanIn,
  xavierByFanIn,
} from './nn/conv.js';
export { layerNorm, layerNormSpecs } from './nn/layer-norm.js';
export { linear } from './nn/linear.js';
export { batchNorm, type BatchNormOptions, type BatchNormResult, batchNormSpecs } from './nn/batch-norm.js';
export { groupNorm, groupNormSpecs } from './nn/group-norm.js';
export { adaptiveAveragePool, maxPool } from './nn/pool.js';
export { resizeBilinear, type ResizeBilinearOptions } from './nn/resize-bilinear.js';
export { drawDropPathScales, dropPathRates } from './nn/drop-path.js';
export { gelu } from './nn/gelu.js';
export { type GridSize, interpolateBicubic } from './nn/interpolate-bicubic.js';
export { type Scope, scope } from './nn/scope.js';
export { prefixed, shapesOf } from './nn/params.js';
export {
  createEncoderBatch,
  encodeOptionsOf,
  type EncoderBatchOptions,
  encoderBatchSpec,
} from './models/encoder-batch.js';
export { patchGrid, type PatchGrid } from './models/vit-config.js';
export { gridBlock, type GridBlockOptions, gridBlockSpecs } from './models/grid-block.js';
export { embedPatches, patchEmbedSpecs, patchify } from './models/patch-embed.js';
export { evaluationTransforms } from './train/inputs/transform-recipes.js';
export { splitBatch } from './train/loop/split-batch.js';
export {
  checkAnnotatedSize,
  decodeMask,
  type EncodedMask,
  hasArea,
  type InstanceAnnotations,
  type Instances,
  isInstances,
  type MaskRegion,
  regionOfRle,
  rleOfRegion,
  selectInstances,
} from './data/targets/instance-target.js';
export { type LabelMap, readLabelMap } from './data/targets/label-map.js';
export { labelMapPng } from './data/targets/label-map-png.js';
export {
  type InstancesAsLabels,
  loadSemanticTarget,
  type SemanticAnnotation,
  type SemanticSource,
  type SemanticTargetOptions,
} from './data/targets/semantic-target.js';
export {
  type ClassIou,
  createMeanIou,
  type MeanIou,
  type MeanIouOptions,
  type MeanIouResult,
} from './data/targets/mean-iou.js';
export { resize, type ResizeOptions } from './data/images/resampling/resize.js';
export { classColor } from './data/images/class-colors.js';
export { encodePng } from './data/images/encode-image.js';
export { type DrawnObject, drawObjects } from './report/sheets/annotation-sheet.js';
export {
  type PictureSheet,
  pictureSheetPng,
  type SheetPicture,
  type SheetRow,
  type SheetStyle,
} from './report/sheets/picture-sheet.js';
export { legendRows, type OverlaidPicture, overlay, type ShownClasses } from './report/sheets/label-overlay.js';
export { toSheetPicture } from './train/pretraining/draw-reconstructions.js';
export { foldedName } from './base/folded-name.js';
export { type ConfusionMatrixOptions, confusionMatrixPng } from './report/charts/confusion-matrix.js';
export { renderPng } from './report/charts/render-png.js';
export { type DrawText, outlineText, type TextPlacement } from './report/charts/svg-text.js';
export { classWeightsSetting, rangeSetting } from './base/setting-values.js';
export { vitBackbone } from './models/vit.js';
export { instantiateWasm, type WasmMemory } from './base/wasm-module.js';
export type { PipelineSpec } from './data/transforms/pipeline.js';
export type { DecodeOptions } from './data/images/image.js';
export { type MapNorm, normalizeMap, normedConv, normedConvSpecs } from './nn/normed-conv.js';
export { spatialPrior, type SpatialPriorConfig, spatialPriorSpecs } from './models/spatial-prior.js';
export { type PickedRows, pickRows } from './nn/rows.js';
export type { Color, Image } from './data/images/picture.js';
export type { Box, Filter, Size } from './contracts/transform.js';
