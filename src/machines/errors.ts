/** The one error class. `code` is API; `message` is for people and may change. */
export const ERROR_CODES = [
  'invalid_params',
  'not_found',
  'invalid_state',
  'conflict',
  'not_permitted',
  'limit_reached',
  'too_large',
  'overloaded',
  'not_a_repository',
  'repository_empty',
  'git_failed',
  'git_locked',
  'dependency_conflict',
  'agent_unavailable',
  'pty_unavailable',
  'credentials_missing',
  'lease_lost',
  'run_final',
  'refused',
  'cascade_too_deep',
  'outcome_unknown',
  'idempotency_conflict',
  'supervisor_unreachable',
  'supervisor_away',
  'protocol_mismatch',
  'runners_too_new',
  'unsafe_runtime_dir',
  'owned_elsewhere',
  'owned_by_other_user',
  'home_read_only',
  'home_on_network_fs',
  'project_moved',
  'store_full',
  'store_damaged',
  'store_too_new',
  'node_too_old',
  'canceled',
  'internal',
] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

/** JSON-safe facts. Never environment variables, prompts or file contents. */
export type ErrorDetails = Readonly<Record<string, unknown>>;

const conductorError = Symbol.for('conductor.error');

export class ConductorError extends Error {
  override readonly name: string = 'ConductorError';
  readonly [conductorError] = true;
  readonly code: ErrorCode;
  /** Whether the same call may succeed later without anyone changing anything. Default false. */
  readonly retryable: boolean;
  readonly details: ErrorDetails;

  constructor(
    code: ErrorCode,
    message: string,
    options: { readonly retryable?: boolean; readonly details?: ErrorDetails; readonly cause?: unknown } = {},
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : {});
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.details = options.details ?? {};
  }

  /** The shape every host shows: `{code, message, retryable, details}`. */
  toJSON(): { code: ErrorCode; message: string; retryable: boolean; details: ErrorDetails } {
    return { code: this.code, message: this.message, retryable: this.retryable, details: this.details };
  }
}

/** True across realms and duplicate installs, where `instanceof` is not. */
export const isConductorError = (value: unknown, code?: ErrorCode): value is ConductorError =>
  typeof value === 'object' &&
  value !== null &&
  conductorError in value &&
  (code === undefined || (value as ConductorError).code === code);
