/** What the user's configuration says about the supervisor itself. */
import type { SupervisorSettings } from '../../supervisor/supervisor-settings.ts';
import { configurationOf } from './supervisor-face.ts';

/** @throws ConductorError `invalid_params` for a broken file of the user. */
export async function readSupervisorSettings(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<SupervisorSettings & { readonly idleExitMs: number }> {
  // The repository's file belongs to commits; what the supervisor itself does is the user's word alone.
  const source = configurationOf(environment, { fileAt: async () => null, isTrusted: async () => false });
  const { values } = await source.at(null);
  const { projectMax, branchPrefix, worktreesDir, gitFilters, retainDays, idleExitMs } = values;
  return { projectMax, branchPrefix, worktreesDir, gitFilters, retainDays, idleExitMs };
}
