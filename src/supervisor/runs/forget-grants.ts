/** When the values of granted variables are forgotten. */
import type { RunParts } from './run-parts.ts';

/** They are kept no longer than their task may run again, and until what its last run left is redacted. */
export function forgetSettledGrants(parts: RunParts): void {
  const isOver = (id: string | null): boolean => id === null || parts.kernel().peek(id)?.facts.settled !== false;
  parts.kernel().subscribe(({ actors }) => {
    for (const { kind, id, facts } of actors) {
      if (!facts.settled) continue;
      if (kind === 'task' && isOver(facts.runId)) parts.granted.drop(id);
      if (kind === 'run' && facts.taskId !== null && isOver(facts.taskId)) parts.granted.drop(facts.taskId);
    }
  });
}
