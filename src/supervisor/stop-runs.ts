/**
 * What becomes of running runs when the supervisor stops. `keep`: nothing, they work on and reconnect. `drain`: they are waited
 * for. `now`: they are interrupted; their tasks start again with the next supervisor, the attempt not counted.
 *
 * S1. From the first word on nothing new is started, by a scheduler that is restarted meanwhile neither.
 * S2. A start that was on its way counts as running: it is stored before anybody looks what runs.
 */
import type { ActorId } from '../machines/ids.ts';
import type { StoredActor } from '../persistence/store.ts';
import type { HeldServices } from './core-children.ts';
import type { RunParts } from './runs/run-parts.ts';

export type StopMode = 'keep' | 'drain' | 'now';

/** Any number of runs may wait for a slot beside those that run. */
const PAGE = 1_000;

/** @param held Told that it is closing; the rest of the supervisor works on. */
export async function endRuns(
  parts: RunParts,
  held: HeldServices,
  how: { readonly mode: StopMode; readonly progress: (line: string) => void },
): Promise<void> {
  held.isClosing = true;
  await held.scheduler?.idle();
  await stopRuns(parts, how.mode, how.progress);
}

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
  const active: StoredActor[] = [];
  let after: string | null = null;
  do {
    const from: { after?: string } = after === null ? {} : { after };
    const page = await kernel().store.listActors({ kind: 'run', live: true, limit: PAGE, ...from });
    active.push(...page.items.filter(({ id, facts }) => facts.state !== 'dispatch_pending' && !parked.has(id)));
    after = page.nextCursor;
  } while (after !== null);
  return active;
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
