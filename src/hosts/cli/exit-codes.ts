/**
 * What the exit code says, in one table.
 */
import type { ErrorCode } from '../../machines/errors.ts';

export const EXIT = {
  /** Done, or nothing to do. */
  done: 0,
  /** Refused; of `run`: something failed, is blocked or canceled. */
  refused: 1,
  /** Usage, an invalid plan, not a repository, no commit yet. */
  usage: 2,
  /** Waits for a person. */
  person: 3,
  /** Supervisor or store. */
  trouble: 4,
  /** Ctrl-C. */
  interrupted: 130,
} as const;

const usage: readonly ErrorCode[] = ['invalid_params', 'not_a_repository', 'repository_empty', 'agent_unavailable'];
const trouble: readonly ErrorCode[] = [
  'overloaded',
  'outcome_unknown',
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
  'internal',
];

/** The exit code of a command that ends with this error. */
export const exitCodeOf = (code: ErrorCode): number => {
  if (usage.includes(code)) return EXIT.usage;
  return trouble.includes(code) ? EXIT.trouble : EXIT.refused;
};
