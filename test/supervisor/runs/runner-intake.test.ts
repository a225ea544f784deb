/**
 * Goal: whoever speaks for a run proves it with every message, also when an earlier one was believed.
 * Method: heartbeats with right and wrong tokens, to an intake that knows one live run.
 */
import { expect, test } from 'vitest';
import type { Heartbeat } from '../../../src/supervisor/runners/protocol.ts';
import { runnerToken } from '../../../src/supervisor/runners/token.ts';
import { LiveRuns } from '../../../src/supervisor/runs/live-runs.ts';
import type { RunParts } from '../../../src/supervisor/runs/run-parts.ts';
import { createRunnerIntake } from '../../../src/supervisor/runs/runner-intake.ts';

const SECRET = 'the secret of the project';
const RUN = 'run-01m801r3jyyphb2ya1h0';

const bench = () => {
  const live = new LiveRuns();
  const clock = { now: () => 1, monotonic: () => 1 };
  const intake = createRunnerIntake({ live, clock, project: { secret: SECRET } } as unknown as RunParts);
  const beat = (epoch: number, token: string, idleMs: number): void => {
    const identity = { hostId: 'h', bootId: 'b', pid: 4_525, startTicks: '1' };
    const said = {
      runId: RUN,
      epoch,
      instance: 'i',
      token,
      identity,
      agent: null,
      phase: 'agent',
      idleMs,
      outputBytes: 0,
    };
    intake.heartbeat(said as unknown as Heartbeat);
  };
  return { live, beat };
};

test('I4: a wrong token changes nothing, before and after the right one was believed', () => {
  const { live, beat } = bench();
  const run = live.of(RUN, 2);
  const [right, older] = [2, 1].map((epoch) => runnerToken(SECRET, { runId: RUN, epoch }));
  const wrong = ['', 'x'.repeat(64), older!, `${right!}0`, right!.slice(1)];
  const refused = (epoch: number, token: string): void =>
    expect(() => beat(epoch, token, 99)).toThrow(expect.objectContaining({ code: 'not_permitted' }));
  for (const token of wrong) refused(2, token);
  beat(2, right!, 7);
  for (const token of wrong) refused(2, token);
  refused(3, right!);
  expect(run.idleMs).toBe(7);
  beat(2, right!, 8);
  expect(run.idleMs).toBe(8);
});

test('the token of an older epoch proves itself and is heard of no more', () => {
  const { live, beat } = bench();
  const [first, second] = [1, 2].map((epoch) => runnerToken(SECRET, { runId: RUN, epoch }));
  live.of(RUN, 1);
  beat(1, first!, 5);
  const run = live.of(RUN, 2);
  beat(1, first!, 6);
  expect(run.idleMs).toBe(0);
  expect(() => beat(2, first!, 6)).toThrow(expect.objectContaining({ code: 'not_permitted' }));
  beat(2, second!, 7);
  expect(run.idleMs).toBe(7);
});
