import type { ServiceIdentifier } from 'inversify';
import type { ExportedProgram } from './objective.js';
import type { ParameterTree } from './tensor.js';

/** A model to be written in another form. */
export interface ExportedModel {
  /** `pretrain`, or a task's name. */
  readonly name: string;
  readonly parameters: ParameterTree;
  /** The prediction; absent where the model is more than one program. */
  readonly forward?: ExportedProgram | undefined;
  /** The prediction's programs by name, where it is more than one. */
  readonly programs?: Readonly<Record<string, ExportedProgram>> | undefined;
  /** What a reader of the file needs to know, as strings: sizes, normalisation, class names. */
  readonly metadata: Readonly<Record<string, string>>;
}

export interface ExportModelOptions {
  /** Pictures that a program takes at a time, where their number is fixed. */
  readonly batchSize: number;
  /** Whether programs are to take any number of pictures instead, where the format and they allow it. Default false. */
  readonly anyBatchSize?: boolean | undefined;
  /** Called with what could not be written as it was asked for. */
  readonly reportWarning?: ((message: string) => void) | undefined;
}

/** Writes models in one format. */
export interface Exporter {
  /** For `--format`: "safetensors". */
  readonly name: string;
  /** Of the file's name, with the dot. */
  readonly extension: string;
  /**
   * Writes the model, and returns the files: `path`, or several beside it that are named after it.
   *
   * @throws MaeError `WRITE_FAILED`, or `CONFIG_INVALID` where the model cannot be written so
   */
  write(model: ExportedModel, path: string, options: ExportModelOptions): Promise<readonly string[]>;
}

export const Exporter: ServiceIdentifier<Exporter> = Symbol.for('mae:Exporter');
