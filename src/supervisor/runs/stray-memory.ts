/** What clears its environment and loses its parent later is still known then: descendants are remembered while they have one. */
import { takeCensus } from '../processes/census.ts';
import { rememberMembers } from '../processes/descendants.ts';
import { sameIdentity } from '../processes/process-identity.ts';
import type { ProcessSnapshot } from '../processes/process-snapshot.ts';
import { cookieOf } from '../project.ts';
import type { LiveRun } from './live-runs.ts';
import type { RunParts } from './run-parts.ts';

/**
 * To be called beat by beat while the run lives, and once more right before its agent is ended.
 *
 * @returns whether the listing found nobody but the runner.
 */
export function rememberStrays(parts: RunParts, run: LiveRun, snapshot: ProcessSnapshot): boolean {
  const cookie = cookieOf(parts.project, run.runId, run.epoch);
  const census = takeCensus(parts.table, parts.live.subject(cookie, run, parts.table.self()), snapshot);
  const roots = [run.runner, run.agent?.identity ?? null].filter((id) => id !== null);
  run.remembered = rememberMembers(census, roots);
  return census.members.every(({ identity }) => run.runner !== null && sameIdentity(identity, run.runner));
}
