/**
 * Goal: the census finds every way in which a program can hide from it that it promises to find, says nothing about
 * strangers, and the sweep ends exactly the members.
 * Method: real programs, one per trick, each a few lines in test/fixtures/processes.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { takeCensus, type CensusSubject } from '../../../src/supervisor/processes/census.ts';
import { findDescendants, findSurvivors, rememberMembers } from '../../../src/supervisor/processes/descendants.ts';
import { openProcessTable } from '../../../src/supervisor/processes/open-process-table.ts';
import type { ProcessIdentity } from '../../../src/supervisor/processes/process-identity.ts';
import { snapshotProcesses } from '../../../src/supervisor/processes/process-snapshot.ts';
import { sweep } from '../../../src/supervisor/processes/sweep.ts';
import { realClock, StartedPrograms, waitUntil } from './started-programs.ts';

const table = openProcessTable();
const programs = new StartedPrograms(table);
const cookie = `project-${process.pid}/run-a/1`;
const options = { graceMs: 200, sweepMs: 5_000 };

const subject = (given: Partial<CensusSubject> = {}): CensusSubject => ({
  cookie,
  recorded: [],
  groups: [],
  sessions: [],
  spare: [],
  ...given,
});
const pidsAndReasons = (of: CensusSubject) =>
  Object.fromEntries(takeCensus(table, of).members.map(({ identity, why }) => [identity.pid, why]));
const end = (of: CensusSubject, keepLast?: ProcessIdentity) =>
  sweep({ table, clock: realClock }, of, keepLast === undefined ? options : { ...options, keepLast });
const isAlive = (id: ProcessIdentity) => table.liveness(id) === 'alive';

afterEach(() => programs.expectNothingLeft());

test('a program that ignores SIGTERM is killed after its grace', async () => {
  const { identity, said } = await programs.start('stubborn.sh', { cookie });
  const of = subject({ recorded: [identity], groups: [identity.pid] });
  const startedAt = performance.now();
  expect(await end(of)).toEqual({ leftover: [], signalled: 2 });
  expect(performance.now() - startedAt).toBeGreaterThan(options.graceMs);
  expect(said.filter(isAlive)).toEqual([]);
});

test('C1: a daemon in a session of its own is found by its cookie alone', async () => {
  const { said } = await programs.start('daemon.sh', { cookie });
  const daemon = said[0]!;
  expect(pidsAndReasons(subject())[daemon.pid]).toBe('cookie');
  expect((await end(subject())).leftover).toEqual([]);
  expect(isAlive(daemon)).toBe(false);
});

test('C1: a twice forked orphan is found, and ended together with its group', async () => {
  const { identity, said } = await programs.start('double-fork.sh', { cookie });
  const orphan = said[1]!;
  const of = subject({ recorded: [identity], groups: [identity.pid] });
  await waitUntil('the orphan has lost its parent', () => isOrphan(orphan));
  expect(pidsAndReasons(of)).toEqual({ [identity.pid]: 'recorded', [orphan.pid]: 'cookie' });
  expect(await end(of)).toEqual({ leftover: [], signalled: 2 });
});

test('C1: an orphan with an empty environment is found in the group of a leader that is ours', async () => {
  const { identity, said } = await programs.start('bare-in-group.sh', { cookie });
  const bare = said[1]!;
  await waitUntil('its environment is empty and its parent gone', () => isOrphan(bare) && !carriesCookie(bare));
  const of = subject({ recorded: [identity], groups: [identity.pid] });
  expect(pidsAndReasons(of)).toEqual({ [identity.pid]: 'recorded', [bare.pid]: 'group' });
  expect(pidsAndReasons(subject({ recorded: [identity], sessions: [identity.pid] }))).toEqual({
    [identity.pid]: 'recorded',
    [bare.pid]: 'session',
  });
  expect(await end(of)).toEqual({ leftover: [], signalled: 2 });
});

test('C1: when the leader is gone the same orphan is reported as unproven and not signalled', async () => {
  const program = await programs.start('bare-in-group.sh', { cookie });
  const bare = program.said[1]!;
  await waitUntil('its environment is empty and its parent gone', () => isOrphan(bare) && !carriesCookie(bare));
  program.end();
  await waitUntil('the leader is gone', () => table.liveness(program.identity) === 'gone');
  const of = subject({ recorded: [program.identity], groups: [program.identity.pid] });
  const census = takeCensus(table, of);
  expect(census.members).toEqual([]);
  expect(census.unproven.map((row) => row.identity)).toEqual([bare]);
  expect(await end(of)).toEqual({ leftover: [], signalled: 0 });
  expect(isAlive(bare)).toBe(true);
  // D3: seen by the leader's parent right after its end, it is a member.
  const survivors = findSurvivors(snapshotProcesses(table), program.identity);
  expect(survivors).toEqual([bare]);
  expect(findSurvivors(snapshotProcesses(table), { ...program.identity, pid: process.pid })).toEqual([]);
  expect((await end({ ...of, recorded: [program.identity, ...survivors] })).leftover).toEqual([]);
  expect(isAlive(bare)).toBe(false);
});

test('C4: without environment, group and parent it escapes when nobody looked in time', async () => {
  const program = await programs.start('escape.sh', { cookie });
  const escaped = program.said[1]!;
  program.end();
  await waitUntil('it is an orphan', () => table.liveness(program.identity) === 'gone' && isOrphan(escaped));
  const of = subject({
    recorded: [program.identity],
    groups: [program.identity.pid],
    sessions: [program.identity.pid],
  });
  expect(takeCensus(table, of)).toEqual({ members: [], unproven: [] });
  expect(await end(of)).toEqual({ leftover: [], signalled: 0 });
  expect(isAlive(escaped)).toBe(true);
  await programs.kill(escaped);
});

test('C4: the same program is found when it was seen while the run lived', async () => {
  const program = await programs.start('escape.sh', { cookie });
  const escaped = program.said[1]!;
  const roots = [program.identity];
  const beat = (remembered: readonly ProcessIdentity[]) =>
    rememberMembers(
      takeCensus(table, subject({ recorded: [...roots, ...remembered] }), snapshotProcesses(table)),
      roots,
    );
  expect(findDescendants(snapshotProcesses(table), roots).map((id) => id.pid)).toContain(escaped.pid);
  const remembered = beat([]);
  expect(remembered.map((id) => id.pid)).toContain(escaped.pid);
  program.end();
  await waitUntil('it is an orphan', () => table.liveness(program.identity) === 'gone' && isOrphan(escaped));
  const later = beat(remembered);
  expect(later).toEqual([escaped]);
  const of = subject({ recorded: [...roots, ...later] });
  expect(pidsAndReasons(of)).toEqual({ [escaped.pid]: 'recorded' });
  expect((await end(of)).leftover).toEqual([]);
  expect(isAlive(escaped)).toBe(false);
});

test('C1: a recorded pid with another start is a stranger, and its group with it', async () => {
  const { identity } = await programs.start('double-fork.sh');
  const before = { ...identity, startTicks: String(Number(identity.startTicks) - 1) };
  const of = subject({ recorded: [before], groups: [identity.pid], sessions: [identity.pid] });
  expect(takeCensus(table, of)).toEqual({ members: [], unproven: [] });
  expect(await end(of, before)).toEqual({ leftover: [], signalled: 0 });
  expect(table.signal(before, 'SIGKILL')).toBe('gone');
  expect(table.signalGroup(identity.pid, before, 'SIGKILL')).toBe('gone');
  expect(table.signalGroup(identity.pid, table.self(), 'SIGKILL')).toBe('gone');
  expect(isAlive(identity)).toBe(true);
  expect(await end(subject({ recorded: [identity], groups: [identity.pid] }))).toEqual({ leftover: [], signalled: 2 });
});

test('C2: a zombie is no member', async () => {
  const { parent, dead } = await programs.startZombie({ cookie });
  const of = subject({ recorded: [parent, dead], groups: [parent.pid] });
  expect(pidsAndReasons(of)).toEqual({ [parent.pid]: 'recorded' });
  expect(await end(of)).toEqual({ leftover: [], signalled: 1 });
});

test('C1: cookies that only look alike are strangers', async () => {
  const alike = [`${cookie}0`, cookie.slice(0, -1), ` ${cookie}`, cookie.toUpperCase()];
  const strangers = await Promise.all(alike.map((other) => programs.start('quiet.sh', { cookie: other })));
  const ours = await programs.start('quiet.sh', { cookie });
  expect(pidsAndReasons(subject())).toEqual({ [ours.identity.pid]: 'cookie' });
  expect(await end(subject())).toEqual({ leftover: [], signalled: 1 });
  expect(strangers.map(({ identity }) => isAlive(identity))).toEqual([true, true, true, true]);
  for (const { identity } of strangers) await programs.kill(identity);
});

test('C3: what is spared, and the process that asks, is never a member', async () => {
  const spared = await programs.start('quiet.sh', { cookie });
  const ours = await programs.start('quiet.sh', { cookie });
  const of = subject({
    recorded: [table.self(), spared.identity, ours.identity],
    groups: [spared.identity.pid, table.list().find((row) => row.identity.pid === process.pid)!.pgid],
    spare: [spared.identity],
  });
  expect(pidsAndReasons(of)).toEqual({ [ours.identity.pid]: 'recorded' });
  expect(await end(of)).toEqual({ leftover: [], signalled: 1 });
  expect(isAlive(spared.identity)).toBe(true);
  await programs.kill(spared.identity);
});

test('W2: a group with a spared process in it is ended one by one', async () => {
  const { identity, said } = await programs.start('double-fork.sh', { cookie });
  const orphan = said[1]!;
  await waitUntil('the orphan has lost its parent', () => isOrphan(orphan));
  const of = subject({ recorded: [identity], groups: [identity.pid], spare: [orphan] });
  expect(await end(of)).toEqual({ leftover: [], signalled: 1 });
  expect(isAlive(orphan)).toBe(true);
  await programs.kill(orphan);
});

test('the runner comes last and writes its exit record after its agent ended', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'conductor-'));
  const record = join(directory, 'exit.json');
  const stubborn = new URL('../../fixtures/processes/stubborn.sh', import.meta.url).pathname;
  const runner = await programs.start('runner.mjs', {
    cookie,
    env: { EXIT_RECORD: record },
    args: ['/bin/sh', stubborn],
  });
  const agent = runner.said[1]!;
  const of = subject({ recorded: [runner.identity, agent], groups: [agent.pid], sessions: [agent.pid] });
  expect(await end(of, runner.identity)).toEqual({ leftover: [], signalled: 3 });
  expect(JSON.parse(readFileSync(record, 'utf8'))).toEqual({ agentLives: false });
  rmSync(directory, { recursive: true });
});

test('a stopped program hears SIGTERM', async () => {
  const { identity, child } = await programs.start('quiet.sh', { cookie });
  child.kill('SIGSTOP');
  await waitUntil('it is stopped', () => takeCensus(table, subject()).members[0]?.state === 'stopped');
  const patient = { graceMs: 60_000, sweepMs: 120_000 };
  expect(await sweep({ table, clock: realClock }, subject(), patient)).toEqual({ leftover: [], signalled: 1 });
  expect(isAlive(identity)).toBe(false);
});

test('a cookie that arrives with an exec is seen though the process was looked at before', async () => {
  const child = spawn('/bin/sh', ['-c', `read -r line; CONDUCTOR_COOKIE='${cookie}' exec sleep 600`], {
    detached: true,
    env: { PATH: process.env['PATH'] },
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  const identity = table.identify(child.pid!)!;
  programs.adopt(identity);
  await waitUntil('it runs', () => table.list().some((row) => row.identity.pid === child.pid && row.command === 'sh'));
  expect(pidsAndReasons(subject())).toEqual({});
  child.stdin.end('go\n');
  await waitUntil('it carries the cookie', () => pidsAndReasons(subject())[identity.pid] === 'cookie');
  expect((await end(subject())).leftover).toEqual([]);
});

/** Its parent is none of the programs that this test process started. */
const isOrphan = (id: ProcessIdentity) => {
  const rows = new Map(table.list().map((row) => [row.identity.pid, row]));
  for (let row = rows.get(id.pid); row !== undefined; row = rows.get(row.ppid)) {
    if (row.ppid === process.pid) return false;
  }
  return true;
};
/** Asked of a table without a past: one that has seen it carry a cookie before its exec says so for ever. */
const carriesCookie = (id: ProcessIdentity) => openProcessTable().cookieOf(id) !== null;
