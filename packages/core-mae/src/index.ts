export { Backbone, type EncodeOptions, type VitConfig } from './contracts/backbone.js';
export { DataReader, type OpenOptions } from './contracts/data-reader.js';
export type { Dataset, ImageSource, Item, PixelStatistics, Sample, TransformSpec } from './contracts/dataset.js';
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
export { type ExportedModel, Exporter } from './contracts/exporter.js';
export type {
  BatchedFunction,
  DrawContext,
  Drawing,
  EvaluationDetails,
  EvaluationTable,
  Evaluator,
  ExportedProgram,
  ForwardStep,
  Objective,
  PrimaryMetric,
  SamplePipeline,
  StepOptions,
  SteppedForward,
  SteppedTraining,
  TrainStep,
} from './contracts/objective.js';
export type { Initializer, ParameterGroup, ParameterSpec, ParameterSpecs } from './contracts/parameters.js';
export type { Random } from './contracts/random.js';
export {
  type Batch,
  type DType,
  type HostTensor,
  type Parameter,
  type ParameterTree,
  type Shape,
  sizeOf,
  type TensorData,
  type TensorSpec,
} from './contracts/tensor.js';
export {
  type CheckpointAllowances,
  type FrozenEncoder,
  type PredictedFile,
  type Recipe,
  Task,
  type TaskContext,
  type TaskModel,
  type TaskPrediction,
  TUNING_MODES,
  type TuningMode,
} from './contracts/task.js';
export { type MetricsRecord, type PictureRecord, type TrackedRun, Tracker } from './contracts/tracker.js';

export { writeFileAtomically } from './checkpoint/atomic-write.js';
export { mergeCheckpoint, type MergeOptions } from './checkpoint/merge.js';
export { formatMergeReport, type MergeReport } from './checkpoint/merge-report.js';
export { readSafetensors, readSafetensorsHeader } from './checkpoint/safetensors.js';
export { saveCheckpoint } from './checkpoint/save.js';

export type { BadImage } from './data/bad-images.js';
export { encodePng } from './data/encode-image.js';
export { decodeImage, type DecodeOptions } from './data/image.js';
export { dataReaders } from './data/readers.js';
export { imageFolder } from './data/image-folder.js';
export { createLoader, type Loader, type LoaderOptions } from './data/loader.js';
export { pictureList } from './data/picture-list.js';
export { splitDataset, takeSample } from './data/split.js';
export { type CheckDataOptions, checkData, type CheckedData } from './data/check-data.js';
export {
  annotationMask,
  annotationPolygons,
  annotationRle,
  annotationsOfImage,
  type CocoAnnotations,
  type CocoCategory,
  type CocoImages,
} from './data/coco/annotations.js';
export { type AnnotatedPicture, collectAnnotations } from './data/coco/collect-annotations.js';
export { checkCoco, type CheckOptions, type CheckReport } from './data/coco/check.js';
export { type CropOptions, cropBoxes, type CropResult } from './data/coco/crop.js';
export { collectDetections, type Detection, DetectionBuilder, type Detections } from './data/coco/detections.js';
export type { CategoryScores } from './data/coco/evaluate-summary.js';
export { type CocoEvaluation, evaluateCoco, type EvaluateOptions } from './data/coco/evaluate.js';
export { cocoParameters, type EvaluationParameters } from './data/coco/evaluation-parameters.js';
export type { DataFault } from './data/coco/faults.js';
export { locateCoco } from './data/coco/layout.js';
export { boxIou, maskIou } from './data/coco/overlap.js';
export { type LoadedCoco, loadCoco } from './data/coco/parse.js';
export { boxToRle, polygonsToRle, polygonToRle } from './data/coco/polygon.js';
export { type CocoDataset, cocoDataset, type CocoDatasetOptions } from './data/coco/reader.js';
export { categoryTable, evaluationLines } from './data/coco/report-text.js';
export { type LoadedResults, loadResults, writeResults } from './data/coco/results.js';
export { rleFromString, rleToString } from './data/coco/rle-string.js';
export { decodeRle, encodeRle, mergeRles, type Rle, rleArea, rleFromCounts, rleToBox } from './data/coco/rle.js';
export { type ScoredResults, type ScoreOptions, scoreResults } from './data/coco/score-results.js';
export { semanticClassNames, semanticMask } from './data/coco/semantic.js';
export { splitCoco, type SplitOptions, type SplitResult } from './data/coco/split.js';
export { type CocoStats, cocoStats } from './data/coco/stats.js';
export { rleToPolygons } from './data/coco/trace-polygons.js';
export type { ConvertResult } from './data/convert/coco-document.js';
export { convertPascalVoc, type PascalVocOptions } from './data/convert/pascal-voc.js';
export { convertYolo } from './data/convert/yolo.js';
export { semanticDataset, type SemanticFolderOptions } from './data/ade20k.js';
export { classColor } from './data/class-colors.js';
export {
  collateInstances,
  type CollatedInstances,
  type CollateInstancesOptions,
  pasteMask,
} from './data/instances/collate-instances.js';
export {
  checkAnnotatedSize,
  decodeMask,
  type EncodedMask,
  type InstanceAnnotations,
} from './data/instances/instance-target.js';
export { type LabelMap, readLabelMap } from './data/label-map.js';
export { createMeanIou, type MeanIou, type MeanIouResult } from './data/mean-iou.js';
export { labelMapPng } from './data/label-map-png.js';
export { loadSemanticTarget, type SemanticAnnotation, type SemanticSource } from './data/semantic-target.js';
export { resize } from './data/resize.js';
export {
  annotationSheetPng,
  type AnnotationSheetOptions,
  drawObjects,
  type DrawnObject,
} from './report/annotation-sheet.js';
export { precisionRecallCurves, precisionRecallSvg } from './report/precision-recall.js';
export { type Instances, type MaskRegion, selectInstances } from './data/instances/instance-target.js';

export { instantiateWasm, type WasmMemory } from './data/wasm-module.js';
export { type EngineProbe, probeEngine } from './engine/probe.js';
export { createEngine, type Device, DEVICES, type EngineOptions } from './engine/select.js';
export { MaeError, type MaeErrorCode } from './errors.js';

export { createEncoderBatch, encodeOptionsOf, encoderBatchSpec, stackPixels } from './models/encoder-batch.js';
export { inferMaeConfig } from './models/infer-config.js';
export { gridBlock, type GridBlockOptions, gridBlockSpecs } from './models/grid-block.js';
export { createMaeBatch, maeBatchSpec } from './models/mae-batch.js';
export { defaultMaskOptions, type MaeConfig, type MaskOptions } from './models/mae-config.js';
export { isEncoderParameter, maeLoss, maeReconstruction, maeSpecs } from './models/mae.js';
export { countVisible, drawPatchOrder, MASK_STRATEGIES, type MaskStrategy } from './models/masking.js';
export { PRESET_NAMES, type PresetName, presets } from './models/presets.js';
export { embedPatches, patchEmbedSpecs, patchify } from './models/patch-embed.js';
export { createReconstruct, type Reconstruction } from './models/reconstruct.js';
export { encodeImages, vitBackbone, vitNormSpecs, vitSpecs } from './models/vit.js';
export { patchGrid } from './models/vit-config.js';

export { constant, normal, ones, truncatedNormal, xavierUniform, zeros } from './nn/init.js';
export { layerNorm, layerNormSpecs } from './nn/layer-norm.js';
export { linear } from './nn/linear.js';
export { allocateOnHeap, initializeParameters, prefixed, shapesOf, trainableNames } from './nn/params.js';
export { createRandom } from './nn/random.js';
export { type Scope, scope } from './nn/scope.js';
export {
  conv2d,
  conv2dSpecs,
  type ConvSpecOptions,
  normalByFanOut,
  transposedConv2d,
  transposedConv2dSpecs,
  xavierByFanIn,
} from './nn/conv.js';
export { batchNorm, type BatchNormOptions, type BatchNormResult, batchNormSpecs } from './nn/batch-norm.js';
export { groupNorm, groupNormSpecs } from './nn/group-norm.js';
export { adaptiveAveragePool, maxPool } from './nn/pool.js';
export { resizeBilinear, type ResizeBilinearOptions } from './nn/resize-bilinear.js';
export { dropPathRates, drawDropPathScales } from './nn/drop-path.js';
export { gelu } from './nn/gelu.js';
export { type GridSize, interpolateBicubic } from './nn/interpolate-bicubic.js';

export { PLUGIN_API_VERSION } from './plugin/api-version.js';
export { createRegistry, type PluginSource, type Registry } from './plugin/container.js';
export { definePlugin, type Plugin, type PluginDefinition, type PluginInfo } from './plugin/define-plugin.js';
export { findInstalledPlugins, findNamedPlugin, type FoundPlugin, missingTask } from './plugin/find-plugins.js';
export { loadPlugin } from './plugin/load-plugin.js';

export { type PictureSheet, pictureSheetPng, type SheetPicture, type SheetRow } from './report/picture-sheet.js';
export { confusionMatrixPng, type ConfusionMatrixOptions } from './report/confusion-matrix.js';
export { renderPng } from './report/render-png.js';
export { fitText, strokeText, textWidth } from './report/svg-text.js';
export { svgDocument } from './report/svg.js';

export { corePlugin } from './train/core-plugin.js';
export { toSheetPicture } from './train/draw-reconstructions.js';
export { embed, type EmbedOptions, type Embedding, type Pooling, POOLINGS } from './train/embed.js';
export { type FinetuneConfig, finetuneConfig, resolveFinetuneConfig } from './train/finetune-config.js';
export { type FinetuneRunOptions, openFinetuneRun } from './train/finetune-run.js';
export { type LoadedTaskModel, loadTaskModel, taskNamed } from './train/load-task-model.js';
export { runSettings } from './train/run-settings.js';
export { splitBatch } from './train/split-batch.js';
export { evaluationTransforms } from './train/transform-recipes.js';
export { type Evaluation, evaluateTask, predictTask, type UseOptions } from './train/use-task-model.js';
export { describeMachine } from './train/environment.js';
export { type LoadedMae, loadMae } from './train/load-mae.js';
export { exportedModel } from './train/exported-model.js';
export { openHeldOut, openPictures, openSplit } from './train/open-training-data.js';
export { visualize } from './train/visualize.js';
export { checkSettings, nearestName } from './train/check-settings.js';
export { type DataSettings, dataSettings } from './train/data-settings.js';
export { pretrain, type PretrainOptions, type PretrainRun } from './train/pretrain.js';
export { type PretrainConfig, pretrainConfig } from './train/pretrain-config.js';
export type { DirectoryRun } from './train/directory-run.js';
export { openPretrainRun } from './train/pretrain-run.js';
export { type RunEvent } from './train/run.js';
export {
  createFolder,
  createRunDirectory,
  findRunDirectory,
  planRunDirectory,
  readRunConfig,
  type RunDirectory,
  runDirectoryAt,
} from './train/run-directory.js';
export { readTrainingMetadata } from './train/training-checkpoint.js';
export type { StepRecord } from './train/training.js';
