/**
 * Errors on the wire, both ways.
 *
 * E1. Only a ConductorError's own text crosses; any other exception becomes `internal` and stays, whole, in the log.
 * E2. What comes back is a ConductorError with the code that was sent, whichever side made it.
 */
import { ResponseError } from 'vscode-jsonrpc/node';
import { ConductorError, ERROR_CODES, isConductorError, type ErrorCode } from '../../machines/errors.ts';

/** JSON-RPC keeps -32000 to -32099 for servers (jsonrpc.org/specification, 5.1); the word in `data.code` is the API. */
const REFUSED = -32_000;

export type WireFailure = {
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly details: Readonly<Record<string, unknown>>;
};

/** @param onInternal gets the exception that nobody outside may see. */
export const responseError = (
  error: unknown,
  method: string,
  onInternal: (error: unknown, method: string) => void,
): ResponseError<WireFailure> => {
  if (!isConductorError(error)) {
    onInternal(error, method);
    const text = `The supervisor failed at ${method.slice(0, 64)}; its log says why`;
    return new ResponseError(REFUSED, text, { code: 'internal', retryable: false, details: {} });
  }
  const { code, message, retryable, details } = error;
  return new ResponseError(REFUSED, message, { code, retryable, details: jsonSafe(details) });
};

/** An error object as JSON-RPC has it, for those that are not answers to a handled request. */
export const errorObject = (error: ConductorError): { code: number; message: string; data: WireFailure } => ({
  code: REFUSED,
  message: error.message,
  data: { code: error.code, retryable: error.retryable, details: jsonSafe(error.details) },
});

/** What the other side said, as the error it is; null when it is no answer of a supervisor at all. */
export const receivedError = (error: unknown): ConductorError | null => {
  if (isConductorError(error)) return error;
  const { message, data } = (typeof error === 'object' && error !== null ? error : {}) as Record<string, unknown>;
  if (typeof message !== 'string' || typeof data !== 'object' || data === null) return null;
  const { code, retryable, details } = data as Record<string, unknown>;
  if (typeof code !== 'string') return null;
  const safe = typeof details === 'object' && details !== null ? (details as Record<string, unknown>) : {};
  const known = ERROR_CODES.find((name) => name === code);
  // A newer supervisor may know codes that this version does not.
  return new ConductorError(known ?? 'internal', message, {
    retryable: retryable === true,
    details: known === undefined ? { ...safe, code } : safe,
  });
};

const jsonSafe = (details: ConductorError['details']): Readonly<Record<string, unknown>> => {
  try {
    return JSON.parse(JSON.stringify(details)) as Record<string, unknown>;
  } catch {
    // A cycle in the details must not cost the caller the error itself.
    return {};
  }
};
