/*
 * base/: the tools that every room may use: errors (this file), writing whole files, random streams, settings checked
 * by a schema, lists of files, worker files, WebAssembly modules.
 * Not here: anything that knows of pictures, tensors or models.
 * Called by: every room. A tool belongs here only when two rooms that know nothing of each other need it.
 */

import { describeValue } from './describe-value.js';
import { withoutControls } from './harmless-text.js';
import { type SchemaIssue, wantedInstead } from './issue-text.js';

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
  /** Lines that follow the message, such as a list of names. */
  readonly details?: readonly string[] | undefined;
  readonly cause?: unknown;
}

/**
 * An error that a user can act on. The command prints its message alone, without a stack trace. The message is one line,
 * followed by those of `details`; what its parts have from files is written so that no terminal obeys it.
 */
export class MaeError extends Error {
  override readonly name = 'MaeError';
  readonly code: MaeErrorCode;
  /** The parts as they were given. */
  readonly what: string;
  readonly where: string | undefined;
  readonly fix: string | undefined;
  readonly details: readonly string[];

  constructor(code: MaeErrorCode, { what, where, fix, details = [], cause }: MaeErrorParts) {
    const sentence = [what, where, fix].filter((part) => part !== undefined && part !== '').join(' — ');
    const message = [sentence, ...details].map((line) => withoutControls(line)).join('\n');
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.what = what;
    this.where = where;
    this.fix = fix;
    this.details = details;
  }
}

/** The message of anything thrown, in one line, for use inside another error's text. */
export function messageOf(error: unknown): string {
  const [issue] = issuesOf(error);
  if (issue !== undefined) {
    const place = (issue.path ?? []).map(String).join('.');
    return `${place === '' ? 'it' : `\`${place}\``} should be ${wantedInstead(issue)}`;
  }
  const message = error instanceof Error ? error.message : describeValue(error);
  return message.trim().replaceAll(/\s*[\r\n]+\s*/gu, ' ');
}

/** What a schema's error is about; its message is a list of these as JSON, which is nothing for people. */
function issuesOf(error: unknown): readonly SchemaIssue[] {
  const isSchemaError = error instanceof Error && (error.name === 'ZodError' || error.name === '$ZodError');
  return isSchemaError && 'issues' in error && Array.isArray(error.issues) ? (error.issues as SchemaIssue[]) : [];
}
