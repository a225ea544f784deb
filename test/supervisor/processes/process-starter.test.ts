/**
 * Goal: a program started beside the supervisor behaves like one started by it, and the process beside it never outlives its use.
 * Method: real programs; the starter's process is killed, left idle, or loses its supervisor, and the process table says what is left.
 */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openProcessTable } from '../../../src/supervisor/processes/open-process-table.ts';
import type { ProcessIdentity } from '../../../src/supervisor/processes/process-identity.ts';
import { createProcessStarter, type ProcessStarter } from '../../../src/supervisor/processes/process-starter.ts';
import type { ProgramCall } from '../../../src/supervisor/processes/program-run.ts';
import { waitUntil } from './started-programs.ts';

const table = openProcessTable();
const identify = (pid: number): ProcessIdentity | null => table.identify(pid);
const env = { PATH: process.env['PATH'] ?? '/usr/bin:/bin' };
let directory: string;
let starter: ProcessStarter;
const begun: ProcessIdentity[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'conductor-'));
  starter = createProcessStarter({ node: process.execPath, identify });
});
afterEach(async () => {
  starter.close();
  for (const identity of begun.splice(0)) {
    table.signal(identity, 'SIGKILL');
    await waitUntil('the program is gone', () => table.liveness(identity) !== 'alive');
  }
  rmSync(directory, { recursive: true, force: true });
});

const shell = (script: string, more: Partial<ProgramCall> = {}): ProgramCall => ({
  file: '/bin/sh',
  args: ['-c', script],
  cwd: directory,
  env,
  input: null,
  outputBytesMax: 1_000_000,
  silenceMaxMs: null,
  ...more,
});

const parentOf = async (): Promise<number> => Number((await starter.run(shell('echo $PPID'))).stdout.toString());

/** Calls go through this process until the one beside it is there. */
async function up(): Promise<ProcessIdentity> {
  const deadline = Date.now() + 10_000;
  while ((await parentOf()) === process.pid) if (Date.now() > deadline) throw new Error('the starter did not come up');
  return table.identify(starter.pid!)!;
}

async function stay(script: string): Promise<ProcessIdentity> {
  const logPath = join(directory, 'log');
  const started = await starter.start({ file: '/bin/sh', args: ['-c', script], cwd: directory, env, logPath });
  if ('error' in started) throw new Error(started.error);
  begun.push(started.identity);
  return started.identity;
}

describe('a program that is waited for', () => {
  const cases: readonly (readonly [string, ProgramCall])[] = [
    ['bytes as they are', shell(String.raw`printf '\000\377\n'; echo words >&2`)],
    ['an exit code', shell('echo half; exit 3')],
    ['a signal', shell('kill -KILL $$')],
    ['input', shell('cat', { input: Buffer.from([0, 255, 10]) })],
    ['no input', shell('cat')],
    ['input that nobody takes', shell('exec 0<&-; exit 4', { input: Buffer.alloc(300_000, 'x') })],
    ['too much output', shell('while :; do echo 0123456789; done', { outputBytesMax: 15 })],
    ['silence', shell('echo word; exec sleep 600', { silenceMaxMs: 100 })],
    ['a missing program', shell('', { file: 'no-such-program' })],
    ['a missing directory', shell('true', { cwd: '/no/such/directory' })],
    ['an environment from nothing', shell('env | grep -v ^PWD= | grep -v ^SHLVL= | grep -v ^_=')],
  ];

  it.each(cases)('S1: %s: the same end beside as here', async (_what, call) => {
    // An error keeps its message on the way, not its fields.
    const endOf = async (): Promise<unknown> => {
      const end = await starter.run(call);
      return { ...end, inputError: end.inputError?.message ?? null };
    };
    const here = await endOf();
    expect(starter.pid).not.toBeNull();
    await up();
    expect(await endOf()).toEqual(here);
  });

  it('several at once get their own ends', async () => {
    await up();
    const ends = await Promise.all(
      Array.from({ length: 20 }, (_, index) => starter.run(shell(`echo ${String(index)}`))),
    );
    expect(ends.map(({ stdout }) => Number(stdout.toString()))).toEqual(ends.map((_, index) => index));
  });

  it('S3: the end of the starter fails what was under way, and the next call is carried out', async () => {
    const beside = await up();
    const mark = join(directory, 'mark');
    const lost = starter.run(shell(`echo $$ > ${mark}.new; mv ${mark}.new ${mark}; exec sleep 600`));
    await waitUntil('the program runs', () => existsSync(mark));
    begun.push(table.identify(Number(readFileSync(mark, 'utf8')))!);
    table.signal(beside, 'SIGKILL');
    expect(await lost).toMatchObject({ exitCode: -1, stderr: expect.stringContaining('was lost') as string });
    expect(await parentOf()).toBe(process.pid);
  });

  it('S1: without a Node that starts, everything is carried out here', async () => {
    starter.close();
    starter = createProcessStarter({ node: join(directory, 'no-node'), identify });
    expect(await parentOf()).toBe(process.pid);
    await waitUntil('it was given up', () => starter.pid === null);
    expect(await parentOf()).toBe(process.pid);
  });
});

describe('a program that stays', () => {
  it('P2: leads its own session, appends to its log, and outlives the starter', async () => {
    const beside = await up();
    writeFileSync(join(directory, 'log'), 'before\n');
    const identity = await stay('echo out; echo err >&2; exec sleep 600');
    const row = table.list().find((each) => each.identity.pid === identity.pid)!;
    expect([row.ppid, row.pgid, row.sid]).toEqual([beside.pid, identity.pid, identity.pid]);
    const log = join(directory, 'log');
    await waitUntil('it wrote', () => readFileSync(log, 'utf8') === 'before\nout\nerr\n');
    starter.close();
    await waitUntil('the starter left', () => table.liveness(beside) !== 'alive');
    expect(table.liveness(identity)).toBe('alive');
  });

  it('says why there is none', async () => {
    const missing = { file: '/no/such/file', args: [], cwd: directory, env, logPath: join(directory, 'log') };
    const noLog = { ...missing, file: '/bin/true', logPath: join(directory, 'no', 'log') };
    for (const where of ['here', 'beside']) {
      if (where === 'beside') await up();
      expect(await starter.start(missing)).toEqual({ error: expect.stringContaining('ENOENT') as string });
      expect(await starter.start(noLog)).toEqual({ error: expect.stringContaining('ENOENT') as string });
    }
  });
});

describe('the process beside', () => {
  it('S2: ends when there is nothing to do, and is started again', async () => {
    starter.close();
    starter = createProcessStarter({ node: process.execPath, identify, idleMs: 50 });
    const first = await up();
    await waitUntil('it ended', () => starter.pid === null && table.liveness(first) !== 'alive');
    const second = await up();
    expect(second.pid).not.toBe(first.pid);
  });

  it('S2, S4: ends with its supervisor, however that ended, and has no cookie', async () => {
    const module = new URL('../../../src/supervisor/processes/process-starter.ts', import.meta.url).href;
    const program = `const { createProcessStarter } = await import(${JSON.stringify(module)});
      const starter = createProcessStarter({ node: process.execPath, identify: () => null });
      const call = ${JSON.stringify(shell('echo $PPID'))};
      for (;;) {
        const parent = Number((await starter.run(call)).stdout.toString());
        if (parent !== process.pid) { console.log(parent); break; }
      }
      setInterval(() => undefined, 1000);`;
    const supervisor = spawn(process.execPath, ['--input-type=module', '-e', program], {
      env: { ...env, CONDUCTOR_COOKIE: 'somebody/else/1' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const pid = await new Promise<number>((resolve) => supervisor.stdout.once('data', (data) => resolve(Number(data))));
    const beside = table.identify(pid)!;
    begun.push(beside);
    expect(table.cookieOf(beside)).toBeNull();
    supervisor.kill('SIGKILL');
    await waitUntil('it left', () => table.liveness(beside) !== 'alive');
  });

  it('does not keep a program alive that has nothing else to do', () => {
    const module = new URL('../../../src/supervisor/processes/process-starter.ts', import.meta.url).href;
    const program = `const { createProcessStarter } = await import(${JSON.stringify(module)});
      const starter = createProcessStarter({ node: process.execPath, identify: () => null });
      const { stdout } = await starter.run(${JSON.stringify(shell('echo done'))});
      console.log(stdout.toString());`;
    const said = execFileSync(process.execPath, ['--input-type=module', '-e', program], { env, timeout: 20_000 });
    expect(said.toString().trim()).toBe('done');
  });
});
