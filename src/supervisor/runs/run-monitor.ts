/**
 * Watches the runners of live runs: leases, processes, gaps. A service of the supervision tree.
 *
 * O1. The process table outranks the heartbeat: gone is lost at once; present but silent is shown, and fenced only after
 *     UNRESPONSIVE_MS.
 * O2. After a gap (suspend, SIGSTOP, stall) nothing is judged in that tick, and every lease begins anew.
 * O3. A run whose runner nobody has seen since the start is looked for by its cookie before it is judged.
 */
import type { RunId } from '../../machines/ids.ts';
import type { OutboxRow, StoredActor } from '../../persistence/store.ts';
import { takeCensus } from '../processes/census.ts';
import { cookieOf } from '../project.ts';
import { needsRunner, settleDeadRunner, type Deliver } from './dead-runner.ts';
import type { LiveRun } from './live-runs.ts';
import { runContext, type RunParts } from './run-parts.ts';
import { learnFromStartRecord } from './start-record.ts';
import { rememberStrays } from './stray-memory.ts';

/** Beat of the monitor, in ms. */
const TICK_MS = 1_000;
/** Every how many beats the descendants of the agents are remembered. One listing serves all runs. */
const REMEMBER_EVERY = 5;
/** Time a runner has to come back to a restarted supervisor before it is looked for, in ms. */
const COMEBACK_MS = 3_000;

export type RunMonitor = {
  /** A link closed or a process ended: look now. */
  look(runId: string): void;
  /** Takes over what an earlier supervisor left. Resolves when every live run has been looked at once. */
  adopt(): Promise<void>;
  stop(): void;
};

export function startRunMonitor(parts: RunParts, deliver: Deliver): RunMonitor {
  let beats = 0;
  let stopped = false;
  let cancelTick: (() => void) | null = null;
  const startedAt = parts.clock.monotonic();

  const tick = (): void => {
    if (stopped) return;
    cancelTick = parts.clock.after(TICK_MS, tick);
    beats += 1;
    const now = parts.clock.monotonic();
    if (parts.live.leases.tick(now) > 0) return;
    // One turn of the event loop: heartbeats that wait in the sockets are read before anybody is judged.
    parts.clock.after(0, () => judgeAll(now));
  };
  const judgeAll = (now: number): void => {
    if (stopped) return;
    const mayMiss = now - startedAt >= COMEBACK_MS;
    for (const run of parts.live.all()) judge(run, now, mayMiss);
    if (beats % REMEMBER_EVERY === 0) rememberDescendants(parts);
  };
  const judge = (run: LiveRun, now: number, mayMiss: boolean): void => {
    const actor = parts.kernel().peek(run.runId);
    // Not in memory: an adopted run that nothing was committed for yet.
    // A store that cannot be read now is asked again by the next beat.
    if (actor === null) judgeStored(run, now, mayMiss).catch(() => undefined);
    else judgeActor(actor, { run, now, mayMiss });
  };
  const judgeStored = async (run: LiveRun, now: number, mayMiss: boolean): Promise<void> => {
    const actor = await parts.kernel().read(run.runId);
    if (actor !== null && !stopped && parts.live.get(run.runId) === run) judgeActor(actor, { run, now, mayMiss });
  };
  const judgeActor = (
    actor: StoredActor,
    seen: { readonly run: LiveRun; readonly now: number; readonly mayMiss: boolean },
  ): void => {
    const { run, now, mayMiss } = seen;
    if (actor.facts.settled) return parts.live.drop(run.runId);
    if (run.losing || !needsRunner(actor, run.epoch)) return;
    const lost = isGone(parts, run, mayMiss);
    const { runId, epoch } = run;
    if (lost !== null) {
      const rebooted = lost === 'rebooted';
      void settle(run, () => settleDeadRunner(parts, deliver, { runId: runId as RunId, epoch, rebooted }));
    } else if (parts.live.leases.verdict(runId, now) === 'expired') void settle(run, () => expire(parts, actor, run));
  };
  // From here on it was awake: a machine that sleeps before the first beat is a gap too.
  parts.live.leases.tick(startedAt);
  cancelTick = parts.clock.after(TICK_MS, tick);
  return {
    look: (runId) => {
      const run = parts.live.get(runId);
      if (run !== null && !stopped) judge(run, parts.clock.monotonic(), false);
    },
    adopt: () => adopt(parts),
    stop: () => {
      stopped = true;
      cancelTick?.();
    },
  };
}

/** One look at a time. */
async function settle(run: LiveRun, look: () => Promise<void>): Promise<void> {
  run.losing = true;
  try {
    await look();
  } catch {
    // A look that failed is repeated by the next beat; the run stays as it is until then.
  } finally {
    run.losing = false;
  }
}

/** Whether the runner of this run is certainly not there. */
function isGone(parts: RunParts, run: LiveRun, mayMiss: boolean): 'gone' | 'rebooted' | null {
  if (run.runner !== null) {
    const liveness = parts.table.liveness(run.runner);
    if (liveness === 'alive' || liveness === 'foreign') return null;
    return run.runner.bootId === parts.table.bootId ? 'gone' : 'rebooted';
  }
  if (run.link !== null || !mayMiss) return null;
  const subject = parts.live.subject(cookieOf(parts.project, run.runId, run.epoch), run, parts.table.self());
  return takeCensus(parts.table, subject).members.length === 0 ? 'gone' : null;
}

async function expire(parts: RunParts, actor: StoredActor, run: LiveRun): Promise<void> {
  await parts.kernel().post({
    messages: [
      {
        kind: 'event',
        to: actor.id,
        event: { type: 'lease.expired', epoch: run.epoch, rand: parts.clock.random() },
      },
    ],
    principal: 'system',
  });
  parts.live.leases.renew(run.runId, parts.clock.monotonic());
}

/**
 * Start records name runner and agent of runs that this supervisor has not met yet. A run whose runner is still to be started is
 * not looked for: that effect tells of it.
 */
async function adopt(parts: RunParts): Promise<void> {
  const outbox = await parts.kernel().store.listOutbox();
  const toBeStarted = new Set(outbox.filter(isToBeStarted).map(({ actor }) => actor));
  let after: string | undefined;
  for (;;) {
    const page = await parts
      .kernel()
      .store.listActors({ kind: 'run', live: true, limit: 1_000, ...(after === undefined ? {} : { after }) });
    for (const actor of page.items) if (!toBeStarted.has(actor.id)) await adoptOne(parts, actor);
    if (page.nextCursor === null) return;
    after = page.nextCursor;
  }
}

const isToBeStarted = ({ name, state }: OutboxRow): boolean => name === 'startRunner' && state === 'waiting';

async function adoptOne(parts: RunParts, actor: StoredActor): Promise<void> {
  const { epoch } = runContext(actor);
  if (!needsRunner(actor, epoch)) return;
  const run = parts.live.of(actor.id, epoch);
  await learnFromStartRecord(parts, run);
  parts.live.leases.renew(actor.id, parts.clock.monotonic());
}

function rememberDescendants(parts: RunParts): void {
  const running = [...parts.live.all()].filter((run) => run.agent !== null);
  if (running.length === 0) return;
  const snapshot = parts.snapshot();
  for (const run of running) rememberStrays(parts, run, snapshot);
}
