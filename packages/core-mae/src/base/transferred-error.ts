import { MaeError, type MaeErrorCode } from './errors.js';

/** An error as plain data: structured cloning between threads would keep its message alone. */
export interface TransferredError {
  /** Undefined for anything but a `MaeError`. */
  readonly code?: MaeErrorCode;
  readonly what: string;
  readonly where?: string;
  readonly fix?: string;
  readonly stack?: string;
}

export function toTransferred(error: unknown): TransferredError {
  if (!(error instanceof Error)) return { what: String(error) };
  const { stack } = error;
  if (!(error instanceof MaeError)) return { what: error.message, ...(stack === undefined ? {} : { stack }) };
  const { code, where, fix } = error;
  const rest = [where, fix].filter((part) => part !== undefined && part !== '');
  const suffix = rest.map((part) => ` — ${part}`).join('');
  return {
    code,
    what: error.message.slice(0, error.message.length - suffix.length),
    ...(where === undefined ? {} : { where }),
    ...(fix === undefined ? {} : { fix }),
    ...(stack === undefined ? {} : { stack }),
  };
}

/** The error again, with its code, its parts and the other thread's stack. */
export function fromTransferred({ code, what, where, fix, stack }: TransferredError): Error {
  const error = code === undefined ? new Error(what) : new MaeError(code, { what, where, fix });
  if (stack !== undefined) error.stack = stack;
  return error;
}
