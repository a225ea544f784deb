/**
 * Goal: both tables tell the same about the same processes.
 * Method: the table of Linux on /proc, and the table of macOS on the `ps` of this machine, which prints the same columns;
 * `sysctl` and `vm_stat` are recorded texts. The environment (`ps -E`) exists on macOS only and is played here.
 */
import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { createDarwinProcessTable, type RunProgram } from '../../../src/supervisor/processes/darwin-process-table.ts';
import { parsePsUsage } from '../../../src/supervisor/processes/darwin-process-text.ts';
import { createLinuxProcessTable } from '../../../src/supervisor/processes/linux-process-table.ts';
import { openProcessTable } from '../../../src/supervisor/processes/open-process-table.ts';
import { parseProcStat } from '../../../src/supervisor/processes/proc-stat.ts';
import { StartedPrograms, waitUntil } from './started-programs.ts';

const isLinux = process.platform === 'linux';
const cookie = 'project/run-a/1';

const playedPrograms: RunProgram = (file, args) => {
  if (file.endsWith('sysctl')) return args[1] === 'kern.uuid' ? 'F00-BA4\n' : 'B007-5E55\n';
  if (file.endsWith('vm_stat')) return VM_STAT;
  const hasEnvironment = args[0] === '-Eww';
  const given = hasEnvironment ? ['-ww', ...args.slice(1)] : args;
  try {
    const env = { LC_ALL: 'C', TZ: 'UTC' };
    const text = execFileSync('/bin/ps', given, { encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'ignore'] });
    if (hasEnvironment) return text.replaceAll(/(sleep 600)$/gm, `$1 PATH=/bin CONDUCTOR_COOKIE=${cookie} LANG=C`);
    return args.includes('lstart=') ? text.replaceAll(/^.+$/gm, settleStart) : text;
  } catch (error) {
    return (error as { stdout: string }).stdout;
  }
};

/** The `ps` of Linux adds the uptime to a rounded clock, so the same start wavers by a second; that of macOS does not. */
const settleStart = (line: string): string => {
  const id = createLinuxProcessTable().identify(Number.parseInt(line, 10));
  if (id === null) return '';
  const [day, date, month, year, time] = new Date(Number(id.startTicks) * 1_000).toUTCString().split(/,? /);
  return line.replace(
    /\w{3} \w{3} [ \d]\d [\d:]{8} \d{4}/,
    `${day} ${month} ${date!.replace(/^0/, ' ')} ${time} ${year}`,
  );
};

const VM_STAT = `Mach Virtual Memory Statistics: (page size of 16384 bytes)
Pages free:                               10.
Pages active:                          70000.
Pages inactive:                           20.
Pages speculative:                         3.
Pages purgeable:                           4.
`;

const tables = [
  ...(isLinux ? [{ name: 'linux', table: createLinuxProcessTable() }] : []),
  { name: 'darwin', table: createDarwinProcessTable(isLinux ? playedPrograms : undefined) },
];

describe.each(tables)('the table of $name', ({ table }) => {
  const programs = new StartedPrograms(table);
  afterEach(() => programs.expectNothingLeft());

  test('knows this process', () => {
    const self = table.self();
    expect(self).toEqual({
      hostId: table.hostId,
      bootId: table.bootId,
      pid: process.pid,
      startTicks: expect.stringMatching(/^\d+$/),
    });
    expect(table.identify(process.pid)).toEqual(self);
    expect(table.liveness(self)).toBe('alive');
    const row = table.list().find(({ identity }) => identity.pid === process.pid);
    expect(row).toMatchObject({ identity: self, ppid: process.ppid, uid: process.geteuid!(), state: 'running' });
    expect(table.rssBytes(process.pid)).toBeGreaterThan(10 * 1_024 * 1_024);
    expect(table.memoryFreeBytes()).toBeGreaterThan(0);
  });

  test('tells what processes use, and is silent about those that are gone', async () => {
    const { user, system } = process.cpuUsage();
    const used = table.usage([process.pid, 4_000_000], 0);
    expect(used.get(process.pid)!.at).toBeLessThanOrEqual(performance.now());
    expect([...used.keys()]).toEqual([process.pid]);
    // `ps` of Linux tells whole seconds, others hundredths.
    expect(used.get(process.pid)!.cpuMs).toBeGreaterThan((user + system) / 1_000 - 2_000);
    expect(used.get(process.pid)!.cpuMs).toBeLessThan((user + system) / 1_000 + 2_000);
    const { rssBytes } = used.get(process.pid)!;
    expect(rssBytes / process.memoryUsage.rss()).toBeGreaterThan(0.7);
    expect(rssBytes / process.memoryUsage.rss()).toBeLessThan(1.4);
    expect(table.usage([], 0).size).toBe(0);
  });

  test('follows a program from start to end', async () => {
    const { identity, child } = await programs.start('quiet.sh', { cookie });
    const row = () => table.list().find((found) => found.identity.pid === identity.pid);
    expect(row()).toMatchObject({ identity, ppid: process.pid, pgid: identity.pid });
    await waitUntil('it has become sleep', () => row()?.command === 'sleep');
    expect(table.cookieOf(identity)).toBe(cookie);
    child.kill('SIGSTOP');
    await waitUntil('it is stopped', () => row()?.state === 'stopped');
    expect(table.liveness(identity)).toBe('alive');
    expect(table.signal(identity, 'SIGKILL')).toBe('sent');
    await waitUntil('it is gone', () => table.liveness(identity) === 'gone');
    expect(table.identify(identity.pid)).toBeNull();
    expect(table.rssBytes(identity.pid)).toBeNull();
    expect(row()).toBeUndefined();
    expect(table.cookieOf(identity)).toBeNull();
    expect(table.signal(identity, 'SIGKILL')).toBe('gone');
  });

  test('tells a zombie', async () => {
    const { parent, dead } = await programs.startZombie();
    expect(table.list().find(({ identity }) => identity.pid === dead.pid)?.state).toBe('zombie');
    expect(table.signal(dead, 'SIGKILL')).toBe('gone');
    await programs.kill(parent);
  });

  test('T3: refuses what may never be signalled', () => {
    const self = table.self();
    const ownGroup = table.list().find(({ identity }) => identity.pid === process.pid)!.pgid;
    expect(table.signal(self, 'SIGCONT')).toBe('denied');
    expect(table.signalGroup(ownGroup, self, 'SIGCONT')).toBe('denied');
    expect(table.signal(table.identify(1)!, 'SIGCONT')).toBe('denied');
    expect(table.signal({ ...self, hostId: 'another' }, 'SIGCONT')).toBe('denied');
    expect(table.signal({ ...self, bootId: 'before' }, 'SIGCONT')).toBe('gone');
    expect(table.signalGroup(ownGroup + 1, self, 'SIGCONT')).toBe('gone');
  });
});

test('times as the ps of macOS prints them', () => {
  const text = '  1234  5678   0:01.50\n 99 1024  61:02.34\n 7 8 1:00:00.00\n 8 8 2-01:00:00\n nonsense\n';
  expect([...parsePsUsage(text, 7)]).toEqual([
    [1_234, { rssBytes: 5_678 * 1_024, cpuMs: 1_500, at: 7 }],
    [99, { rssBytes: 1_024 * 1_024, cpuMs: 3_662_340, at: 7 }],
    [7, { rssBytes: 8_192, cpuMs: 3_600_000, at: 7 }],
    [8, { rssBytes: 8_192, cpuMs: 49 * 3_600_000, at: 7 }],
  ]);
});

test('the table of this system is picked, and others are refused with the way out', () => {
  expect(openProcessTable().identify(process.pid)).not.toBeNull();
  expect(() => openProcessTable({ platform: 'win32' })).toThrow(/use WSL/);
});

const STAT_TAIL =
  '4520 4521 2278 0 -1 4194304 100 0 0 0 7 5 3 2 20 0 1 0 93563 3133440 388 18446744073709551615 11 22 33 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 44 55 66 77 88 99 110 0\n';

test.each(['cat', 'a b', ') R 1 (', '(((', 'x) Z 9 9', '', 'naïve\n'])('a stat line with the name %j', (command) => {
  expect(parseProcStat(`4525 (${command}) S ${STAT_TAIL}`)).toEqual({
    pid: 4525,
    command,
    state: 'running',
    ppid: 4520,
    pgid: 4521,
    sid: 2278,
    startTicks: '93563',
    cpuTicks: 17,
    rssPages: 388,
    image: '11:99:110',
  });
});

test('a stat line that is cut off is none, and the first thread’s end is not the process’s', () => {
  expect(parseProcStat('')).toBeNull();
  expect(parseProcStat('4525 (cat')).toBeNull();
  expect(parseProcStat('4525 (cat) S 1 2')).toBeNull();
  expect(parseProcStat(`4525 (cat) Z ${STAT_TAIL}`)?.state).toBe('zombie');
  expect(parseProcStat(`4525 (cat) Z ${STAT_TAIL.replace(' 20 0 1 ', ' 20 0 3 ')}`)?.state).toBe('running');
  expect(parseProcStat(`4525 (cat) T ${STAT_TAIL}`)?.state).toBe('stopped');
});

test.runIf(isLinux)('a running program whose name holds spaces and parentheses is identified', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'conductor-'));
  const path = join(directory, 'a) Z 1 (b');
  copyFileSync('/bin/sleep', path);
  const table = createLinuxProcessTable();
  const child = spawn(path, ['600'], { stdio: 'ignore' });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  await waitUntil('it has its name', () =>
    table.list().some((row) => row.identity.pid === child.pid && row.command === 'a) Z 1 (b'),
  );
  expect(table.liveness(table.identify(child.pid!)!)).toBe('alive');
  child.kill('SIGKILL');
  await ended;
  rmSync(directory, { recursive: true });
});

/** A procfs of files: what a test cannot make the kernel do. */
const playedProc = () => {
  const proc = mkdtempSync(join(tmpdir(), 'conductor-'));
  const write = (path: string, text: string) => {
    mkdirSync(join(proc, path, '..'), { recursive: true });
    writeFileSync(join(proc, path), text);
  };
  write('sys/kernel/random/boot_id', 'boot-1\n');
  write(`${process.pid}/stat`, `${process.pid} (node) S ${STAT_TAIL}`);
  return { proc, write, end: () => rmSync(proc, { recursive: true }) };
};

test('what processes use is as of a listing that is young enough, without a look', () => {
  const { proc, write, end } = playedProc();
  const pid = 4_525;
  write(`${String(pid)}/stat`, `${String(pid)} (cat) S ${STAT_TAIL}`);
  const table = createLinuxProcessTable(proc);
  expect(table.list().map(({ identity }) => identity.pid)).toContain(pid);
  write(`${String(pid)}/stat`, `${String(pid)} (cat) S ${STAT_TAIL.replace(' 388 ', ' 400 ')}`);
  // Begun since.
  write('4526/stat', `4526 (new) S ${STAT_TAIL}`);
  const seen = (ageMaxMs: number) => table.usage([pid, 4_526, 4_527], ageMaxMs);
  const pagesOf = (ageMaxMs: number): readonly number[] =>
    [...seen(ageMaxMs).values()].map(({ rssBytes }) => rssBytes / 4_096);
  expect([pagesOf(60_000), pagesOf(-1)]).toEqual([
    [388, 388],
    [400, 388],
  ]);
  const listed = seen(60_000);
  expect(listed.get(pid)!.at).toBeLessThan(listed.get(4_526)!.at);
  end();
});

test('L1: a cookie is read once a program, stays when it is overwritten, and is read anew after an exec', () => {
  const { proc, write, end } = playedProc();
  write('7/stat', `7 (sh) S ${STAT_TAIL}`);
  write('7/environ', 'PATH=/bin\0');
  const table = createLinuxProcessTable(proc);
  const cookieNow = () => table.cookieOf(table.list().find((row) => row.identity.pid === 7)!.identity);
  expect(cookieNow()).toBeNull();
  write('7/environ', `XCONDUCTOR_COOKIE=no\0CONDUCTOR_COOKIE=${cookie}\0CONDUCTOR_COOKIE=second\0`);
  expect(cookieNow()).toBeNull();
  write('7/stat', `7 (sh) S ${STAT_TAIL.replace(' 99 110 ', ' 98 110 ')}`);
  expect(cookieNow()).toBe(cookie);
  rmSync(join(proc, '7/environ'));
  expect(cookieNow()).toBe(cookie);
  write('7/stat', `7 (sh) S ${STAT_TAIL.replace(' 93563 ', ' 93564 ')}`);
  expect(cookieNow()).toBeNull();
  end();
});

test('T2: trouble of our own is an error, never “gone”', () => {
  const { proc, write, end } = playedProc();
  const table = createLinuxProcessTable(proc);
  const id = { ...table.self(), pid: 7 };
  expect(table.liveness(id)).toBe('gone');
  write('7/stat/in-the-way', '');
  expect(() => table.liveness(id)).toThrow(expect.objectContaining({ code: 'internal', retryable: true }));
  expect(() => table.list()).toThrow(expect.objectContaining({ code: 'internal' }));
  end();
});

test('a procfs that shows nothing is refused at once', () => {
  const empty = mkdtempSync(join(tmpdir(), 'conductor-'));
  expect(() => createLinuxProcessTable(empty)).toThrow(/mount procfs/);
  rmSync(empty, { recursive: true });
});
