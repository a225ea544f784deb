/**
 * What is done when a runner's process is gone. The order is fixed: what it said counts before what became of it.
 *
 *     its whole spool, under its own epoch ─▶ its exit record ─▶ if neither ended the run: `runner.lost`
 *
 * D1. Nothing is judged lost before every report in its spool was offered to the run.
 * D2. While the run seals or completes, its own effect deals with the processes; no new epoch is begun then.
 */
import type { RunId } from '../../machines/ids.ts';
import type { StoredActor } from '../../persistence/store.ts';
import type { ReportResult, SpoolEntry } from '../runners/protocol.ts';
import { reportMessage } from './report-messages.ts';
import { runContext, type RunParts } from './run-parts.ts';

/** The spool door of the intake. */
export type Deliver = (
  runId: string,
  epoch: number,
  entries: readonly SpoolEntry[],
) => Promise<readonly ReportResult[]>;

/** @param rebooted Its boot is over: whatever ran then does not run now. */
export async function settleDeadRunner(
  parts: RunParts,
  deliver: Deliver,
  lost: { readonly runId: RunId; readonly epoch: number; readonly rebooted: boolean },
): Promise<void> {
  const { runId, epoch } = lost;
  const before = await parts.kernel().read(runId);
  if (before === null || !needsRunner(before, epoch)) return;
  const spool = await parts.platform.readSpool(runId, epoch);
  const seen = runContext(before).spoolSeq;
  await deliver(
    runId,
    epoch,
    spool.filter((entry) => entry.seq > seen || entry.body.kind === 'agent.started'),
  );
  await addExit(parts, lost, spool.at(-1)?.seq ?? 0);
  const after = await parts.kernel().read(runId);
  if (after === null || !needsRunner(after, epoch)) return;
  const start = await parts.platform.readStart(runId, epoch);
  await parts.kernel().post({
    messages: [
      {
        kind: 'event',
        to: runId,
        event: {
          type: 'runner.lost',
          epoch,
          agentRecord: start.kind,
          rebooted: lost.rebooted,
          rand: parts.clock.random(),
        },
      },
    ],
    principal: 'system',
  });
}

/** The exit record says how the agent ended when the spool does not. */
async function addExit(
  parts: RunParts,
  { runId, epoch }: { readonly runId: RunId; readonly epoch: number },
  lastSeq: number,
): Promise<void> {
  const run = await parts.kernel().read(runId);
  const exit = await parts.platform.readExit(runId, epoch);
  if (run === null || !needsRunner(run, epoch) || exit === null || exit.agent === null) return;
  const seq = Math.max(lastSeq, exit.lastSeq) + 1;
  const body = { kind: 'agent.exited', ...exit.agent } as const;
  await parts.kernel().post({ messages: [reportMessage(runId, epoch, { seq, body })], principal: 'system' });
}

/** Whether the run still waits for something that only a runner of this epoch can say. */
export function needsRunner(run: StoredActor, epoch: number): boolean {
  if (run.facts.settled || runContext(run).epoch !== epoch) return false;
  const { value } = run.snapshot;
  if (typeof value === 'string') return value === 'running' || value === 'waiting_input';
  return value['starting'] === 'launching' || value['verifying'] === 'checking';
}
