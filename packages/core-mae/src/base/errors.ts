/*
 * base/: the tools that every room may use: errors (this file), writing whole files, random streams, settings checked
 * by a schema, lists of files, worker files, WebAssembly modules.
 * Not here: anything that knows of pictures, tensors or models.
 * Called by: every room. A tool belongs here only when two rooms that know nothing of each other need it.
 */

/** Stable codes of the errors a user can cause; scripts may switch on them. */
export type MaeErrorCode =
  | 'ANNOTATION_INVALID'
  | 'CHECKPOINT_INVALID'
  | 'CHECKPOINT_MISMATCH'
  | 'CONFIG_INVALID'
  | 'DATA_EMPTY'
  | 'DATA_INVALID'
  | 'DATA_NOT_FOUND'
  | 'ENGINE_UNAVAILABLE'
  | 'GRADIENT_MISSING'
  | 'IMAGE_INVALID'
  | 'IMAGE_TOO_LARGE'
  | 'LOSS_NOT_FINITE'
  | 'PATH_ESCAPES'
  | 'PLUGIN_INVALID'
  | 'PLUGIN_MISSING'
  | 'RUN_INVALID'
  | 'SHAPE_MISMATCH'
  | 'TRACE_UNSUPPORTED'
  | 'WRITE_FAILED';

/** The parts of an error's message: what is wrong — where — what to do. */
export interface MaeErrorParts {
  /** What is wrong, with the offending name and value: "`imageSize` (=225) must be divisible by `patchSize` (=16)". */
  readonly what: string;
  /** Where: a file, key, line or annotation id. */
  readonly where?: string | undefined;
  /** What was expected, or what to do now. */
  readonly fix?: string | undefined;
  readonly cause?: unknown;
}

/** An error that a user can act on. The command prints its message alone, without a stack trace. */
export class MaeError extends Error {
  override readonly name = 'MaeError';
  readonly code: MaeErrorCode;
  readonly what: string;
  readonly where: string | undefined;
  readonly fix: string | undefined;

  constructor(code: MaeErrorCode, { what, where, fix, cause }: MaeErrorParts) {
    const message = [what, where, fix].filter((part) => part !== undefined && part !== '').join(' — ');
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.what = what;
    this.where = where;
    this.fix = fix;
  }
}

/** The message of anything thrown, for use inside another error's text. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
