/**
 * Goal: a supervisor that is older than a living runner refuses to start, says who can, and has changed nothing.
 * Method: a real process that carries a run's cookie, a contract of another protocol, and the real opening of a supervisor.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { idOf } from '../../persistence/store-builders.ts';
import { projectHome, type ProjectHome } from '../../../src/persistence/project-home.ts';
import { openSupervisor, type Supervisor } from '../../../src/supervisor/open-supervisor.ts';
import { PROTOCOL } from '../../../src/supervisor/runners/protocol.ts';
import { findProject } from '../../../src/supervisor/workspaces/project-identity.ts';

const runId = idOf('run', 1);
let folder: string;
let repo: string;
let paths: ProjectHome;
let carriers: ChildProcess[];
let supervisor: Supervisor | null;

beforeEach(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'conductor-')));
  repo = join(folder, 'repo');
  mkdirSync(repo);
  execFileSync('git', ['init', '-q'], { cwd: repo });
  execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', 'commit', '-q', '--allow-empty', '-m', 'one'], {
    cwd: repo,
  });
  paths = projectHome(join(folder, 'home'), (await findProject(repo)).projectKey);
  carriers = [];
  supervisor = null;
});
afterEach(async () => {
  await supervisor?.stop('keep', () => undefined);
  for (const carrier of carriers) {
    carrier.kill('SIGKILL');
    if (carrier.exitCode === null && carrier.signalCode === null) await once(carrier, 'exit');
  }
  rmSync(folder, { recursive: true });
});

/** A process of this epoch of the run that lives, and the contract it works under. */
const carry = async (
  epoch: number,
  contract: { readonly protocol: number; readonly version: string },
): Promise<void> => {
  const directory = paths.runDirectory(runId);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  writeFileSync(join(directory, epoch === 1 ? 'contract.json' : `contract.${epoch}.json`), JSON.stringify(contract));
  await live(`${paths.key}/${runId}/${epoch}`);
};
/** A process that carries this cookie and lives. */
const live = async (cookie: string): Promise<void> => {
  const carrier = spawn(process.execPath, ['-e', 'console.log("ready"); setInterval(() => {}, 1e6)'], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { CONDUCTOR_COOKIE: cookie },
  });
  carriers.push(carrier);
  await once(carrier.stdout!, 'data');
};
const open = (): Promise<Supervisor> =>
  openSupervisor({
    repo,
    home: join(folder, 'home'),
    version: '1.0.0',
    environment: process.env,
    programs: { node: process.execPath, directory: folder },
    settings: async () => ({
      projectMax: 1,
      branchPrefix: 'conductor',
      worktreesDir: null,
      gitFilters: [],
      retainDays: 90,
    }),
    hosts: () => [],
    onFatal: (reason) => {
      throw new Error(reason);
    },
    report: () => undefined,
  });

test('a living runner of a newer protocol: refused with both versions and the way out, nothing changed', async () => {
  await carry(2, { protocol: PROTOCOL + 1, version: '9.8.7' });
  await expect(open()).rejects.toMatchObject({
    code: 'runners_too_new',
    message: expect.stringMatching(/conductor 9\.8\.7 .*this is 1\.0\.0 .*use conductor 9\.8\.7/),
    details: { needed: '9.8.7', protocol: PROTOCOL, runs: [{ runId, version: '9.8.7', protocol: PROTOCOL + 1 }] },
  });
  expect(readdirSync(paths.root)).not.toContain('conductor.db');
  expect(carriers[0]!.exitCode ?? carriers[0]!.signalCode).toBeNull();
  // Once it has ended the older version takes over.
  carriers[0]!.kill('SIGKILL');
  await once(carriers[0]!, 'exit');
  supervisor = await open();
  expect(readdirSync(paths.root)).toContain('conductor.db');
});

test('the same protocol, an older epoch without a process, and a torn contract refuse nothing', async () => {
  await carry(3, { protocol: PROTOCOL, version: '0.9.0' });
  writeFileSync(
    join(paths.runDirectory(runId), 'contract.json'),
    JSON.stringify({ protocol: PROTOCOL + 1, version: '9' }),
  );
  await carry(4, { protocol: PROTOCOL, version: '1' });
  writeFileSync(join(paths.runDirectory(runId), 'contract.4.json'), '{"protocol":');
  supervisor = await open();
  expect(supervisor.epoch).toBeGreaterThan(0);
});

test('a runner that was started warm says by its cookie which protocol it speaks', async () => {
  await live(`${paths.key}/warm-9.8.7/${PROTOCOL + 1}`);
  await expect(open()).rejects.toMatchObject({
    code: 'runners_too_new',
    details: { needed: '9.8.7', protocol: PROTOCOL, runs: [{ version: '9.8.7', protocol: PROTOCOL + 1 }] },
  });
  carriers[0]!.kill('SIGKILL');
  await once(carriers[0]!, 'exit');
  await live(`${paths.key}/warm-0.9.0/${PROTOCOL}`);
  await live(`someone-else/warm-9.8.7/${PROTOCOL + 1}`);
  supervisor = await open();
  expect(supervisor.epoch).toBeGreaterThan(0);
});
