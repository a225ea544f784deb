/**
 * Errors as a page gets them: `ApiError` as JSON, with the status that fits.
 *
 * A1. Only a ConductorError's own text leaves the process; anything else is `internal`, and stays whole in the log.
 */
import { ConductorError, isConductorError, type ErrorCode } from '../../machines/errors.ts';
import type { ApiError } from './protocol.ts';

const STATUSES: Partial<Record<ErrorCode, number>> = {
  invalid_params: 400,
  not_permitted: 403,
  not_found: 404,
  too_large: 413,
  overloaded: 429,
  limit_reached: 429,
  supervisor_away: 503,
  internal: 500,
};
/** Everything else is a refusal by the state of things. */
const REFUSED = 409;
export const NO_SESSION_STATUS = 401;

export type ApiAnswer = { readonly status: number; readonly body: ApiError };

/** The answer to a request without a session that counts: the page asks for a new link. */
export class NoSession extends ConductorError {
  constructor(text: string) {
    super('not_permitted', `${text} Run \`conductor inspect\` in a terminal for a new link.`);
  }
}

/** @param onInternal gets the exception that no page may see. */
export const apiAnswer = (error: unknown, onInternal: (error: unknown) => void): ApiAnswer => {
  const known = conductorErrorOf(error, onInternal);
  const status = known instanceof NoSession ? NO_SESSION_STATUS : (STATUSES[known.code] ?? REFUSED);
  return { status, body: { error: known.toJSON() } };
};

const conductorErrorOf = (error: unknown, onInternal: (error: unknown) => void): ConductorError => {
  if (isConductorError(error)) return error;
  // What the server library found wrong with the request itself carries its status.
  const { statusCode } = (typeof error === 'object' && error !== null ? error : {}) as {
    readonly statusCode?: unknown;
  };
  if (statusCode === 413) return new ConductorError('too_large', 'The request is larger than 1 MiB.');
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500) {
    return new ConductorError(
      'invalid_params',
      'The request is not what this address takes: JSON in the documented shape.',
    );
  }
  onInternal(error);
  return new ConductorError('internal', 'The inspector failed at this; the log of the supervisor says why.');
};
