/**
 * Compares what the store says with what is there, once after every start: a service of the supervision tree.
 *
 * C1. It never judges a run: the monitor does. It looks at what no process reports, worktrees that are gone.
 */
import type { ActorId } from '../machines/ids.ts';
import type { WorkerContext } from '../machines/worker/model.ts';
import type { RunParts } from './runs/run-parts.ts';

/** Workers whose worktree is gone become broken, and say so. @returns how many. */
export async function reconcileWorkers(parts: RunParts): Promise<number> {
  const kernel = parts.kernel();
  let broken = 0;
  let after: string | undefined;
  for (;;) {
    const query = { kind: 'worker', state: 'idle', limit: 500, ...(after === undefined ? {} : { after }) } as const;
    const page = await kernel.store.listActors(query);
    for (const worker of page.items) {
      const { prepared, worktreePath } = worker.snapshot.context as unknown as WorkerContext;
      if (!prepared || (await parts.workspaces.verifyRegistered(worktreePath))) continue;
      const event = {
        type: 'worker.broke',
        runId: null,
        message: `its worktree ${worktreePath} is gone`.slice(0, 1_000),
      };
      await kernel.post({ messages: [{ kind: 'event', to: worker.id as ActorId, event }], principal: 'system' });
      broken += 1;
    }
    if (page.nextCursor === null) return broken;
    after = page.nextCursor;
  }
}
