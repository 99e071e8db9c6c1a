/**
 * What the command is made of: settings that are checked, trainings with a folder, and the tools for data sets.
 *
 * Not here: what a script or another door gives already: engines, data sets, models (`.`), scores and counts (`/coco`).
 *
 * @example
 * ```ts
 * import { createEngine } from '@mae-tasks/core-mae';
 * import { checkSettings, dataReaders, openPretrainRun, planRunFolder, pretrainConfig } from '@mae-tasks/core-mae/run';
 * const [engine, folder] = [await createEngine(), await planRunFolder(undefined, 'pretrain')];
 * const config = checkSettings(pretrainConfig, { data: { path: 'photos/' } });
 * const options = { engine, config, folder, resume: false, readers: dataReaders, trackers: [] };
 * for await (const event of (await openPretrainRun(options)).events()) console.log(event.kind);
 * ```
 *
 * @packageDocumentation
 */

export { checkSettings } from './base/check-settings.js';
export { runSettings } from './train/settings/run-settings.js';
export { pretrainConfig, type PretrainConfig } from './train/settings/pretrain-config.js';
export { finetuneConfig, type FinetuneConfig } from './train/settings/finetune-config.js';
export { resolveFinetuneConfig } from './train/finetuning/resolve-config.js';
export { resolvePretrainConfig } from './train/pretraining/resolve-config.js';
export { type PretrainRecipe, type PretrainRecipeContext, pretrainRecipes } from './train/pretraining/recipes.js';
export type { ChosenRecipe, ResolveOptions } from './train/settings/resolve-options.js';
export { settingsJsonSchema } from './train/settings/json-schema.js';
export { pictureIdentities } from './data/tools/picture-identities.js';
export { splitToLookAt } from './data/readers/split-names.js';
export { measureData } from './data/tools/measure-data.js';
export { openPretrainRun, type PretrainRunOptions } from './train/pretraining/open-run.js';
export { type FinetuneRunOptions, openFinetuneRun } from './train/finetuning/open-run.js';
export type { Run } from './train/run/open-run.js';
export type { RunEvent } from './train/run/run-context.js';
export { readSettingsFile } from './train/settings/read-settings-file.js';
export { findRunFolder, hasBegun, planRunFolder, readRunConfig, type RunFolder } from './train/run/run-folder.js';
export {
  createFolder,
  type FileContent,
  type FileSystem,
  type OpenFile,
  writeFileAtomically,
} from './base/atomic-write.js';
export { requireFonts } from './report/charts/fonts.js';
export { csvText } from './base/csv.js';
export {
  createProfile,
  type OperatorShare,
  type PhaseTime,
  type Profile,
  type ProfileOptions,
} from './report/profile/profile.js';
export { dataReaders } from './data/readers/core-readers.js';
export {
  type OpenDataOptions,
  type OpenedPictures,
  openHeldOut,
  openPictures,
  openSplit,
  type OpenSplitOptions,
  openTrainingData,
} from './train/inputs/open-training-data.js';
export { takeSample } from './data/readers/split.js';
export { cocoReader, isCocoDataset } from './data/readers/coco-instances.js';
export { findReader } from './data/readers/open-dataset.js';
export {
  type LayoutSettings,
  layoutSettings,
  readerOptionsOf,
  requireTakenSettings,
} from './train/settings/layout-settings.js';
export { lookSettings } from './train/settings/data-settings.js';
export type { TrainingDataSummary } from './train/inputs/describe-data.js';
export {
  type ClassCount,
  type DataSummary,
  fewPicturesWarning,
  summarizeData,
  type SummarizeOptions,
} from './data/tools/summarize.js';
export { drawTask } from './train/finetuning/use-model.js';
export { loadPlugin } from './plugin/load-plugin.js';
export { taskNamed } from './train/finetuning/load.js';
export { formatMergeReport, type MergeReport, type ShapeChange } from './checkpoint/merge-report.js';
export { exportedModel } from './train/export/exported-model.js';
export { type EngineProbe, probeEngine } from './engine/probe.js';
export { describeMachine, type Machine } from './train/run/environment.js';
export { type AnnotationSheetOptions, annotationSheetPng } from './report/sheets/annotation-sheet.js';
export { checkData, type CheckDataOptions, type CheckedData } from './data/tools/check-data.js';
export type { SemanticFolderOptions } from './data/readers/ade20k.js';
export type { CheckReport } from './data/tools/check-report.js';
export { cropBoxes, type CropOptions, type CropResult } from './data/tools/coco-crop.js';
export { convertPascalVoc, type PascalVocOptions } from './data/tools/convert/pascal-voc.js';
export { convertYolo } from './data/tools/convert/yolo.js';
export type { ConvertOptions, ConvertResult } from './data/tools/convert/coco-document.js';
export { distinctNames } from './base/folded-name.js';
export { requireNew } from './data/tools/require-new.js';
export { splitCoco, type SplitCount, type SplitOptions, type SplitResult } from './data/tools/coco-split.js';
export { visualize, type VisualizeOptions } from './train/pretraining/visualize.js';
export { DEVICES } from './engine/select.js';
export { createFaultLog, type FaultLog } from './data/coco/faults.js';
export type { DataFault, ReportFault } from './contracts/data-fault.js';
