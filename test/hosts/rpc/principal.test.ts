/**
 * Goal: nobody is taken for more than the process table and two terminals show.
 * Method: a table of three lines for the rules, real processes for the cookie.
 */
import { spawn } from 'node:child_process';
import { expect, onTestFinished, test } from 'vitest';
import { createApprovalChallenges, CHALLENGE_MS } from '../../../src/hosts/rpc/approval-challenge.ts';
import { carriesCookie, decidePrincipal, lookAtProcesses, type ProcessLook } from '../../../src/hosts/rpc/principal.ts';
import { isConductorError } from '../../../src/machines/errors.ts';
import { openProcessTable } from '../../../src/supervisor/processes/open-process-table.ts';
import { COOKIE_VARIABLE } from '../../../src/supervisor/processes/process-table.ts';
import { waitUntil } from '../../supervisor/processes/started-programs.ts';

/** 1 ← 10 ← 20 ← 30. */
const lookWith = (...carriers: number[]): ProcessLook => ({
  parentOf: (pid) => ({ 10: 1, 20: 10, 30: 20 })[pid] ?? null,
  hasCookie: (pid) => carriers.includes(pid),
});
const atTerminal = (pid: number) => ({ pid, stdinTty: true, stdoutTty: true });

test('P1: a caller with a cookie is a run, whatever terminal it has', () => {
  expect(decidePrincipal(atTerminal(30), lookWith(30))).toBe('child_run');
});

test('P1: so is every descendant of one', () => {
  expect(decidePrincipal(atTerminal(30), lookWith(10))).toBe('child_run');
  expect(decidePrincipal({ pid: 30, stdinTty: false, stdoutTty: false }, lookWith(20))).toBe('child_run');
});

test('P2: a human has two terminals', () => {
  expect(decidePrincipal(atTerminal(30), lookWith())).toBe('human');
  expect(decidePrincipal({ pid: 30, stdinTty: true, stdoutTty: false }, lookWith())).toBe('parent_agent');
  expect(decidePrincipal({ pid: 30, stdinTty: false, stdoutTty: true }, lookWith())).toBe('parent_agent');
});

test('P2: a pid that nobody has is no human', () => {
  expect(decidePrincipal(atTerminal(999), lookWith())).toBe('parent_agent');
  expect(decidePrincipal(atTerminal(0), lookWith())).toBe('parent_agent');
});

test('a table that names itself as its own parent ends the walk', () => {
  expect(carriesCookie(5, { parentOf: () => 5, hasCookie: () => false })).toBe(false);
});

test('P1: a real process with a cookie, and its child that cleared its environment', async () => {
  const program = spawn('/bin/sh', ['-c', 'env -i /bin/sleep 60 & echo $!; wait'], {
    env: { PATH: '/usr/bin:/bin', [COOKIE_VARIABLE]: 'small/run-a/1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const childPid = await new Promise<number>((resolve) => {
    program.stdout.once('data', (data: Buffer) => resolve(Number(data.toString())));
  });
  onTestFinished(() => {
    for (const pid of [childPid, program.pid!]) process.kill(pid, 'SIGKILL');
  });
  const table = openProcessTable();
  await waitUntil('the child runs sleep', () =>
    table.list().some(({ identity, command }) => identity.pid === childPid && command.endsWith('sleep')),
  );
  const look = lookAtProcesses(table);
  expect(look.hasCookie(childPid)).toBe(false);
  expect(decidePrincipal(atTerminal(program.pid!), look)).toBe('child_run');
  expect(decidePrincipal(atTerminal(childPid), look)).toBe('child_run');
});

const challenges = () => {
  const clock = { now: 1_000 };
  let drawn = 0;
  return {
    clock,
    all: createApprovalChallenges({ now: () => clock.now, nonce: () => `nonce-${String((drawn += 1))}` }),
  };
};
const gateId = 'gate-0123456789abcdefghij';
const reasonOf = (act: () => unknown): unknown => {
  try {
    return act();
  } catch (error) {
    return isConductorError(error, 'not_permitted') ? error.details['reason'] : error;
  }
};

test('A2: the last six characters confirm the gate', () => {
  const { all } = challenges();
  const { nonce } = all.open(gateId);
  expect(all.redeem({ nonce, gateId, typed: ' efghij\n' })).toBe(gateId);
});

test('A1: a replayed challenge is refused, also after a wrong answer', () => {
  const { all } = challenges();
  const first = all.open(gateId);
  all.redeem({ nonce: first.nonce, gateId, typed: 'efghij' });
  expect(reasonOf(() => all.redeem({ nonce: first.nonce, gateId, typed: 'efghij' }))).toBe('unknown');
  const second = all.open(gateId);
  expect(reasonOf(() => all.redeem({ nonce: second.nonce, gateId, typed: 'yes' }))).toBe('mistyped');
  expect(reasonOf(() => all.redeem({ nonce: second.nonce, gateId, typed: 'efghij' }))).toBe('unknown');
});

test('A1: a challenge is for its gate, its connection and two minutes', () => {
  const { all, clock } = challenges();
  const other = 'gate-9123456789abcdefghij';
  expect(reasonOf(() => all.redeem({ nonce: all.open(gateId).nonce, gateId: other, typed: 'efghij' }))).toBe(
    'other_gate',
  );
  expect(reasonOf(() => challenges().all.redeem({ nonce: all.open(gateId).nonce, gateId, typed: 'efghij' }))).toBe(
    'unknown',
  );
  const { nonce } = all.open(gateId);
  clock.now += CHALLENGE_MS;
  expect(all.redeem({ nonce, gateId, typed: 'efghij' })).toBe(gateId);
  const late = all.open(gateId);
  clock.now += CHALLENGE_MS + 1;
  expect(reasonOf(() => all.redeem({ nonce: late.nonce, gateId, typed: 'efghij' }))).toBe('expired');
});

test('open challenges are bounded: the oldest makes room', () => {
  const { all } = challenges();
  const first = all.open(gateId);
  for (let index = 0; index < 16; index += 1) all.open(gateId);
  expect(reasonOf(() => all.redeem({ nonce: first.nonce, gateId, typed: 'efghij' }))).toBe('unknown');
});
