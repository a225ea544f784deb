/**
 * What becomes of running runs when the supervisor stops. `keep`: nothing, they work on and reconnect. `drain`: they are waited
 * for. `now`: they are interrupted; their tasks start again with the next supervisor, the attempt not counted.
 */
import type { ActorId } from '../machines/ids.ts';
import type { StoredActor } from '../persistence/store.ts';
import type { RunParts } from './runs/run-parts.ts';

export type StopMode = 'keep' | 'drain' | 'now';

export async function stopRuns(parts: RunParts, mode: StopMode, progress: (line: string) => void): Promise<void> {
  if (mode === 'keep') return;
  const kernel = parts.kernel();
  const running = await activeRuns(parts);
  if (running.length === 0) return;
  progress(`${String(running.length)} running: ${mode === 'now' ? 'ending them' : 'waiting for them'}`);
  const gone = untilFinal(parts, running, progress);
  if (mode === 'now') {
    for (const run of running) {
      const event = { type: 'run.interrupt', reason: 'the supervisor was stopped' };
      await kernel.post({ messages: [{ kind: 'event', to: run.id as ActorId, event }], principal: 'system' });
    }
  }
  await gone;
}

/** A run with a parked effect ends only by hand: nobody waits for it. */
async function activeRuns({ kernel }: RunParts): Promise<readonly StoredActor[]> {
  const outbox = await kernel().store.listOutbox();
  const parked = new Set<string>(outbox.filter(({ state }) => state === 'parked').map(({ actor }) => actor));
  const page = await kernel().store.listActors({ kind: 'run', live: true, limit: 1_000 });
  return page.items.filter((run) => run.facts.state !== 'dispatch_pending' && !parked.has(run.id));
}

function untilFinal(parts: RunParts, runs: readonly StoredActor[], progress: (line: string) => void): Promise<void> {
  const waiting = new Set<string>(runs.map((run) => run.id));
  return new Promise((resolve) => {
    const settle = (id: string, state: string): void => {
      if (!waiting.delete(id)) return;
      progress(`${id} ${state}, ${String(waiting.size)} left`);
      if (waiting.size > 0) return;
      unsubscribe();
      resolve();
    };
    const unsubscribe = parts.kernel().subscribe(({ actors }) => {
      for (const actor of actors) if (actor.kind === 'run' && actor.facts.settled) settle(actor.id, actor.facts.state);
    });
    // Some may have ended between the list and the subscription.
    for (const { id } of runs) {
      void parts
        .kernel()
        .read(id)
        .then((run) => (run?.facts.settled === true ? settle(id, run.facts.state) : undefined));
    }
  });
}
