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

export { writeFileAtomically } from './base/atomic-write.js';
export { mergeCheckpoint, type MergeOptions } from './checkpoint/merge.js';
export { formatMergeReport, type MergeReport } from './checkpoint/merge-report.js';
export { readSafetensors, readSafetensorsHeader } from './checkpoint/files/safetensors.js';
export { saveCheckpoint } from './checkpoint/save.js';

export type { BadImage } from './data/loading/bad-images.js';
export { encodePng } from './data/images/encode-image.js';
export { decodeImage, type DecodeOptions } from './data/images/image.js';
export { dataReaders } from './data/readers/core-readers.js';
export { imageFolder } from './data/readers/image-folder.js';
export { createLoader, type Loader, type LoaderOptions } from './data/loading/loader.js';
export { pictureList } from './data/readers/picture-list.js';
export { splitDataset, takeSample } from './data/readers/split.js';
export { type CheckDataOptions, checkData, type CheckedData } from './data/tools/check-data.js';
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
export { checkCoco, type CheckOptions, type CheckReport } from './data/tools/coco-check.js';
export { type CropOptions, cropBoxes, type CropResult } from './data/tools/coco-crop.js';
export { collectDetections, type Detection, DetectionBuilder, type Detections } from './data/coco/detections.js';
export type { CategoryScores } from './data/coco/evaluation/evaluate-summary.js';
export { type CocoEvaluation, evaluateCoco, type EvaluateOptions } from './data/coco/evaluation/evaluate.js';
export { cocoParameters, type EvaluationParameters } from './data/coco/evaluation/evaluation-parameters.js';
export type { DataFault } from './data/coco/faults.js';
export { locateCoco } from './data/readers/coco-layout.js';
export { boxIou, maskIou } from './data/masks/overlap.js';
export { type LoadedCoco, loadCoco } from './data/coco/parse.js';
export { boxToRle, polygonsToRle, polygonToRle } from './data/masks/polygon.js';
export { type CocoDataset, cocoDataset, type CocoDatasetOptions } from './data/readers/coco-instances.js';
export { categoryTable, evaluationLines } from './data/coco/evaluation/report-text.js';
export { type LoadedResults, loadResults, writeResults } from './data/coco/results.js';
export { rleFromString, rleToString } from './data/masks/rle-string.js';
export { decodeRle, encodeRle, mergeRles, type Rle, rleArea, rleFromCounts, rleToBox } from './data/masks/rle.js';
export { type ScoredResults, type ScoreOptions, scoreResults } from './data/coco/evaluation/score-results.js';
export { semanticClassNames, semanticMask } from './data/readers/coco-semantic.js';
export { splitCoco, type SplitOptions, type SplitResult } from './data/tools/coco-split.js';
export { type CocoStats, cocoStats } from './data/tools/coco-stats.js';
export { rleToPolygons } from './data/masks/trace-polygons.js';
export type { ConvertResult } from './data/tools/convert/coco-document.js';
export { convertPascalVoc, type PascalVocOptions } from './data/tools/convert/pascal-voc.js';
export { convertYolo } from './data/tools/convert/yolo.js';
export { semanticDataset, type SemanticFolderOptions } from './data/readers/ade20k.js';
export { classColor } from './data/images/class-colors.js';
export {
  collateInstances,
  type CollatedInstances,
  type CollateInstancesOptions,
  pasteMask,
} from './data/targets/collate-instances.js';
export {
  checkAnnotatedSize,
  decodeMask,
  type EncodedMask,
  type InstanceAnnotations,
} from './data/targets/instance-target.js';
export { type LabelMap, readLabelMap } from './data/targets/label-map.js';
export { createMeanIou, type MeanIou, type MeanIouResult } from './data/targets/mean-iou.js';
export { labelMapPng } from './data/targets/label-map-png.js';
export { loadSemanticTarget, type SemanticAnnotation, type SemanticSource } from './data/targets/semantic-target.js';
export { resize } from './data/images/resampling/resize.js';
export {
  annotationSheetPng,
  type AnnotationSheetOptions,
  drawObjects,
  type DrawnObject,
} from './report/sheets/annotation-sheet.js';
export { precisionRecallCurves, precisionRecallSvg } from './report/charts/precision-recall.js';
export { type Instances, type MaskRegion, selectInstances } from './data/targets/instance-target.js';

export { instantiateWasm, type WasmMemory } from './base/wasm-module.js';
export { type EngineProbe, probeEngine } from './engine/probe.js';
export { createEngine, type Device, DEVICES, type EngineOptions } from './engine/select.js';
export { MaeError, type MaeErrorCode } from './base/errors.js';

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
export { createRandom } from './base/random.js';
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

export { type PictureSheet, pictureSheetPng, type SheetPicture, type SheetRow } from './report/sheets/picture-sheet.js';
export { confusionMatrixPng, type ConfusionMatrixOptions } from './report/charts/confusion-matrix.js';
export { renderPng } from './report/charts/render-png.js';
export { fitText, strokeText, textWidth } from './report/charts/svg-text.js';
export { svgDocument } from './report/charts/svg.js';

export { corePlugin } from './core-plugin.js';
export { toSheetPicture } from './train/pretraining/draw-reconstructions.js';
export { embed, type EmbedOptions, type Embedding, type Pooling, POOLINGS } from './train/finetuning/embed.js';
export { type FinetuneConfig, finetuneConfig } from './train/settings/finetune-config.js';
export { resolveFinetuneConfig } from './train/finetuning/resolve-config.js';
export { type FinetuneRunOptions, openFinetuneRun } from './train/finetuning/open-run.js';
export { type LoadedTaskModel, loadTaskModel, taskNamed } from './train/finetuning/load.js';
export { runSettings } from './train/settings/run-settings.js';
export { splitBatch } from './train/loop/split-batch.js';
export { evaluationTransforms } from './train/inputs/transform-recipes.js';
export { type Evaluation, evaluateTask, predictTask, type UseOptions } from './train/finetuning/use-model.js';
export { describeMachine } from './train/run/environment.js';
export { type LoadedMae, loadMae } from './train/pretraining/load.js';
export { exportedModel } from './train/export/exported-model.js';
export { openHeldOut, openPictures, openSplit } from './train/inputs/open-training-data.js';
export { visualize } from './train/pretraining/visualize.js';
export { checkSettings, nearestName } from './base/check-settings.js';
export { type DataSettings, dataSettings } from './train/settings/data-settings.js';
export { pretrain, type PretrainOptions, type PretrainRun } from './train/pretraining/pretrain.js';
export { type PretrainConfig, pretrainConfig } from './train/settings/pretrain-config.js';
export type { DirectoryRun } from './train/run/directory-run.js';
export { openPretrainRun } from './train/pretraining/open-run.js';
export { type RunEvent } from './train/run/run.js';
export {
  createFolder,
  createRunDirectory,
  findRunDirectory,
  planRunDirectory,
  readRunConfig,
  type RunDirectory,
  runDirectoryAt,
} from './train/run/run-directory.js';
export { readTrainingMetadata } from './train/inputs/training-metadata.js';
export type { StepRecord } from './train/loop/training.js';
