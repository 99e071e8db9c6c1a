import { MaeError, type MaeErrorCode } from './errors.js';

/** An error as plain data: structured cloning between threads would keep its message alone. */
export interface TransferredError {
  /** Undefined for anything but a `MaeError`. */
  readonly code?: MaeErrorCode;
  readonly what: string;
  readonly where?: string;
  readonly fix?: string;
  readonly details?: readonly string[];
  readonly stack?: string;
}

export function toTransferred(error: unknown): TransferredError {
  if (!(error instanceof Error)) return { what: String(error) };
  const { stack } = error;
  if (!(error instanceof MaeError)) return { what: error.message, ...(stack === undefined ? {} : { stack }) };
  const { code, what, where, fix, details } = error;
  return {
    code,
    what,
    ...(where === undefined ? {} : { where }),
    ...(fix === undefined ? {} : { fix }),
    ...(details.length === 0 ? {} : { details }),
    ...(stack === undefined ? {} : { stack }),
  };
}

/** The error again, with its code, its parts and the other thread's stack. */
export function fromTransferred({ code, what, where, fix, details, stack }: TransferredError): Error {
  const error = code === undefined ? new Error(what) : new MaeError(code, { what, where, fix, details });
  if (stack !== undefined) error.stack = stack;
  return error;
}
