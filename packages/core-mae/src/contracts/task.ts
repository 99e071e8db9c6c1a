import type { ServiceIdentifier } from 'inversify';
import type { z } from 'zod';
import type { Backbone, VitConfig } from './backbone.js';
import type { DataMeasures, Dataset, PixelStatistics, Sample } from './dataset.js';
import type { BatchedFunction, Drawing, ExportedProgram, Forward, Objective } from './objective.js';
import type { ParameterGroup } from './parameters.js';
import type { Outputs, Shape } from './tensor.js';

/**
 * What fine-tuning changes: everything, the head and the last blocks, or the head alone on a frozen encoder (He et al.
 * 2022, §4.3 and figure 9).
 */
export const TUNING_MODES = ['full', 'partial', 'linear-probe'] as const;
export type TuningMode = (typeof TUNING_MODES)[number];

/** What a task's model is built from. */
export interface TaskContext<Settings = unknown, Facts = unknown> {
  readonly settings: Settings;
  /** What `examine` said of the training data. */
  readonly facts: Facts;
  readonly mode: TuningMode;
  readonly vit: VitConfig;
  readonly backbone: Backbone;
  /** Drop rate of the deepest block while training; rates rise linearly from 0. */
  readonly dropPath: number;
  /** What pictures are normalised by. */
  readonly statistics: PixelStatistics;
}

/** Names that a pretraining's checkpoint and the task's model need not share: names, or prefixes that end with a dot. */
export interface CheckpointAllowances {
  /** Parameters that keep their initial values where the checkpoint lacks them or has them in another shape. */
  readonly allowMissing: readonly string[];
  /** Tensors of the checkpoint that the model has no use for. */
  readonly allowUnexpected: readonly string[];
  /** Rows and columns of the model's `pos_embed`, where they are not those of its pictures' patches. */
  readonly positionGrid?: readonly [number, number];
}

/** A file that `predict --save` writes for a picture. */
export interface PredictedFile {
  /** Relative to the folder, with slashes: `masks/a.png`. Two pictures never share one. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

/**
 * How the model answers for pictures. A `Result` is plain data, one for each picture; `Out` is what the forward pass
 * gives.
 */
export interface TaskPrediction<Result = unknown, Out = unknown> {
  readonly forward: Forward<Out>;
  /** The results of a batch, one a sample; of padded outputs, what lies past `samples.length` does not count. */
  decode(outputs: Out, samples: readonly Sample[]): readonly Result[];
  /** Columns of a table of results, besides the picture's. */
  readonly columns: readonly string[];
  /** The table's rows for one picture. */
  rows(result: Result): ReadonlyArray<ReadonlyArray<string | number>>;
  /**
   * A picture's entries in the list that `predict --format json` writes, in the field's own format where there is one.
   * Default: one entry, the result beside the picture's name.
   *
   * @param identity what an annotation file calls the picture, where one was given that lists it
   */
  records?(sample: Sample, result: Result, identity?: PictureIdentity): readonly object[];
  /** Files that the results become, for `predict --save`: index maps, overlays. */
  files?(samples: readonly Sample[], results: readonly Result[]): Promise<readonly PredictedFile[]>;
  /**
   * Pictures with the results on them, beside the truth where the samples have targets: for `predict --draw`, and while
   * training for the run's folder, unless the objective draws something else.
   */
  draw?(samples: readonly Sample[], results: readonly Result[]): Promise<readonly Drawing[]>;
}

/** A frozen encoder apart from the head: where pictures are not augmented, each is encoded once. */
export interface FrozenEncoder {
  /** Outputs `features` `[B, F]`. */
  readonly encode: BatchedFunction;
  /** The task on features: its samples' pixels are a picture's `F` features, their targets the picture's. */
  readonly head: Objective;
}

/** A task's model for one data set and one encoder. */
export interface TaskModel<Result = unknown, Out = unknown> {
  /** The loss and its parameters: the encoder's and the head's. */
  readonly objective: Objective<Out>;
  readonly prediction: TaskPrediction<Result, Out>;
  readonly checkpoint: CheckpointAllowances;
  /**
   * The prediction's programs by name, for exporters of programs, where it is not one program from pictures to results;
   * each becomes a file of its own, but for one that is called as its task. Absent: `prediction.forward` is the only one.
   */
  readonly programs?: Readonly<Record<string, ExportedProgram>>;
  /** With `linear-probe` only, and only where no picture is augmented. */
  readonly frozenEncoder?: FrozenEncoder | undefined;
  /**
   * What the optimizer applies to a parameter. Default: the official groups of fine-tuning (util/lr_decay.py), the head
   * counting as the layer after the last block.
   */
  parameterGroup?(
    name: string,
    shape: Shape,
    options: { readonly layerDecay: number; readonly weightDecay: number },
  ): ParameterGroup;
}

/** What a recipe is chosen and fitted by. */
export interface RecipeContext<Settings = unknown> {
  readonly mode: TuningMode;
  /** The encoder as settings and checkpoint have it, before any recipe. */
  readonly vit: VitConfig;
  /** Dimensions of the encoder that settings or checkpoint have settled: a recipe chooses the others. */
  readonly fixed: Partial<VitConfig>;
  /** Names of the checkpoint's parameters; undefined where training starts from random weights. */
  readonly pretrained: readonly string[] | undefined;
  /** The task's own settings as they are without a recipe. */
  readonly settings: Settings;
  /** The training pictures in numbers; undefined where a configuration is written before there are any. */
  readonly data: DataMeasures | undefined;
}

/** Settings of a recipe that hold for one data set and encoder. */
export interface FittedSettings {
  readonly settings: Readonly<Record<string, unknown>>;
  /** What they were chosen by, in a few words for people: "205 pictures, random weights". */
  readonly because: string;
}

/** Settings that somebody published, or that are fitted to the data, by name. */
export interface Recipe {
  /** Where they come from: a paper's table, a file of a repository. */
  readonly source: string;
  /** Part of the configuration of `finetune`, as plain data. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** What is laid over them, for recipes that depend on the data and the encoder. */
  fit?(context: RecipeContext): FittedSettings;
}

/** A flag of `mae-tasks finetune <task>` that stands for one of the task's own settings. */
export interface TaskFlag {
  /** Lower-case words joined by dashes: "masks" for `--masks <value>`. */
  readonly name: string;
  /** One line for `--help`, with the default in brackets. */
  readonly description: string;
  /** The setting below the task's name: "masks", "augmentation.flip". */
  readonly setting: string;
  /** What may be given, and the setting's value for each. Default: whatever `--set` would take for the setting. */
  readonly choices?: Readonly<Record<string, unknown>>;
  /** What the value is called in `--help`. Default: the choices, or "value". */
  readonly placeholder?: string;
}

/**
 * A head on a pretrained encoder: everything that differs between classification, segmentation, detection …
 *
 * `Task` alone is any task. One's own task names its settings and facts, and what its forward passes give where that is
 * not the outputs of one function.
 */
export interface Task<Settings = unknown, Facts = unknown, Out = unknown extends Settings ? unknown : Outputs> {
  /** For the command line and the configuration's key: "classify". */
  readonly name: string;
  /** One line for `--help`. */
  readonly description: string;
  /** The task's own settings, with defaults. */
  readonly settings: z.ZodType<Settings>;
  /** Settings that deserve a flag of their own, besides `--set <task>.<setting>=<value>`. */
  readonly flags?: readonly TaskFlag[];
  /** Formats of data to read, the best first, where a path could be of several. Default: the user has to say which. */
  readonly formats?: readonly string[];
  /** Ways of tuning that the task supports. Default: `full` and `partial`. */
  readonly modes?: readonly TuningMode[];
  /**
   * What the model needs to know of the training data (class names …), as plain JSON data; kept in every checkpoint.
   *
   * @throws MaeError `DATA_INVALID` for data without the targets that the task needs
   */
  examine(data: Dataset, settings: Settings): Facts | Promise<Facts>;
  /** Checks that other data (held out, to evaluate) fit the facts. @throws MaeError `DATA_INVALID` */
  requireFit?(data: Dataset, facts: Facts): void;
  /** @throws MaeError `CONFIG_INVALID` */
  createModel(context: TaskContext<Settings, Facts>): TaskModel<unknown, Out>;
  readonly recipes?: Readonly<Record<string, Recipe>>;
  /** The recipe to start from where none is named. */
  defaultRecipe?(context: RecipeContext<Settings>): string | undefined;
  /** What `--recipe official` stands for: the published settings of the nearest size. */
  officialRecipe?(context: RecipeContext<Settings>): string | undefined;
}

export const Task: ServiceIdentifier<Task> = Symbol.for('mae:Task');

/** What an annotation file calls a picture. */
export interface PictureIdentity {
  /** As the file writes it. */
  readonly imageId: number | string;
  readonly fileName: string;
}
