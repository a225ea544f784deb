/** Requests to the supervisor: operations by name, and the few plain addresses beside them. Every failure is an `ApiFailure`. */
import {
  API,
  PASS_HEADER,
  type ApiError,
  type ApprovalChallenge,
  type CallAnswer,
  type CallRequest,
} from '../../../src/hosts/inspector/protocol.ts';
import type { ErrorCode } from '../../../src/machines/errors.ts';
import type { Nobody } from './greeting.ts';
import { forgetPass, greeting } from './session.ts';

export class ApiFailure extends Error {
  override readonly name = 'ApiFailure';
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly details: Readonly<Record<string, unknown>>;

  constructor({ code, message, retryable, details }: ApiError['error']) {
    super(message);
    this.code = code;
    this.retryable = retryable;
    this.details = details;
  }
}

const isApiError = (value: unknown): value is ApiError =>
  typeof value === 'object' && value !== null && 'error' in value && typeof value.error === 'object';

const failureOf = async (response: Response): Promise<ApiFailure> => {
  const body: unknown = await response.json().catch(() => null);
  if (isApiError(body)) return new ApiFailure({ ...body.error, details: body.error.details ?? {} });
  const message = `the supervisor answered ${String(response.status)} to ${new URL(response.url).pathname}`;
  return new ApiFailure({ code: 'internal', message, retryable: response.status >= 500, details: {} });
};

const away = (message: string): ApiFailure =>
  new ApiFailure({ code: 'supervisor_unreachable', message, retryable: true, details: {} });

const NOBODY_HERE: Readonly<Record<Nobody, string>> = {
  silent: 'the supervisor does not answer; the page tries again by itself',
  stranger: 'what answers at this address is not the supervisor of this page, and was told nothing',
  over: 'the session is over: conductor inspect gives a new link',
};

const passOrFail = async (): Promise<string> => {
  const answer = await greeting();
  if (answer.kind === 'known') return answer.pass;
  throw away(NOBODY_HERE[answer.kind]);
};

/** Rejects with the reason of an abort as it is, so that a superseded call is no failure. */
const send = async (path: string, init: RequestInit): Promise<Response> => {
  const headers = new Headers(init.headers);
  headers.set(PASS_HEADER, await passOrFail());
  try {
    return await fetch(path, { ...init, headers, redirect: 'error' });
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'AbortError') throw cause;
    forgetPass();
    throw away(NOBODY_HERE.silent);
  }
};

/** A request with the session. @throws ApiFailure when it is not answered, or with an error. */
export const request = async (path: string, init: RequestInit = {}): Promise<Response> => {
  let response = await send(path, init);
  if (response.status === 401) {
    // The supervisor was started anew and does not know this pass; when the session itself is over, it says so to the greeting.
    forgetPass();
    response = await send(path, init);
  }
  if (response.ok) return response;
  throw await failureOf(response);
};

const post = async <Answer>(path: string, body: unknown, signal?: AbortSignal): Promise<Answer> => {
  const response = await request(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    ...(signal === undefined ? {} : { signal }),
  });
  return (await response.json()) as Answer;
};

/** `requestId` is needed by operations that change something: made once per intent, see `newRequestId`. */
export type CallOptions = Pick<CallRequest, 'requestId' | 'confirm'> & { readonly signal?: AbortSignal };

/** Calls an operation and gives its details. @throws ApiFailure */
export const call = async <Details>(
  operation: string,
  params: unknown,
  { signal, ...options }: CallOptions = {},
): Promise<Details> => {
  const body: CallRequest = { operation, params, ...options };
  const answer = await post<CallAnswer>(API.call, body, signal);
  return answer.details as Details;
};

/** The first half of an approval: what the person's typed confirmation is good for. @throws ApiFailure */
export const askChallenge = async (gateId: string): Promise<ApprovalChallenge> =>
  post<ApprovalChallenge>(API.challenge, { gateId });

/** One per intent; a repeat of the same intent uses the same. */
export const newRequestId = (): string => globalThis.crypto.randomUUID();
