/** A repository with a home and a real supervisor process, for measurements with real programs. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureSupervisor } from '../src/hosts/rpc/daemon-start.ts';
import type { SupervisorClient } from '../src/hosts/rpc/rpc-client.ts';
import { projectHome, type ProjectHome } from '../src/persistence/project-home.ts';
import { findProject } from '../src/supervisor/workspaces/project-identity.ts';

const PROGRAMS = new URL('../dist/programs', import.meta.url).pathname;
/** Files of the repository: what a middling project checks out. */
const FILES = 300;

export type ScratchProject = {
  readonly directory: string;
  readonly repo: string;
  readonly home: string;
  readonly paths: ProjectHome;
  connect(): Promise<SupervisorClient>;
  /** Ends the supervisor with its runs and removes everything. */
  remove(): Promise<void>;
};

export type ScratchOptions = {
  /** The user's own, as YAML; default: that of whoever measures. */
  readonly configuration?: string;
  /** Default true. */
  readonly inspector?: boolean;
};

export async function makeProject(options: ScratchOptions = {}): Promise<ScratchProject> {
  const { configuration, inspector = true } = options;
  const directory = mkdtempSync(join(tmpdir(), 'conductor-bench-'));
  const repo = join(directory, 'repo');
  const home = join(directory, 'home');
  mkdirSync(join(repo, 'src'), { recursive: true });
  mkdirSync(home, { mode: 0o700 });
  for (let file = 0; file < FILES; file += 1)
    writeFileSync(join(repo, 'src', `${String(file)}.txt`), 'line\n'.repeat(40));
  const git = (...args: string[]): unknown => execFileSync('git', args, { cwd: repo, stdio: 'ignore' });
  git('init', '-q', '-b', 'main');
  git('add', '.');
  git('-c', 'user.name=bench', '-c', 'user.email=bench@localhost', 'commit', '-qm', 'one');
  const paths = projectHome(home, (await findProject(repo)).projectKey);
  const environment = configuration === undefined ? process.env : configured(directory, configuration);
  const connect = async (): Promise<SupervisorClient> =>
    (await ensureSupervisor({ repo, home, stay: true, inspector, programs: PROGRAMS, inPlace: true, environment }))
      .client;
  return {
    directory,
    repo,
    home,
    paths,
    connect,
    remove: async () => {
      await (await connect()).stop('now');
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function configured(directory: string, configuration: string): NodeJS.ProcessEnv {
  const config = join(directory, 'config');
  mkdirSync(join(config, 'conductor'), { recursive: true });
  writeFileSync(join(config, 'conductor', 'config.yaml'), configuration);
  return { ...process.env, XDG_CONFIG_HOME: config };
}

/** Ticks of 10 ms that a process has used, user and system. Linux only. */
export function cpuTicksOf(pid: number): number {
  const fields = readFileSync(`/proc/${String(pid)}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

/** A line of /proc/<pid>/status or smaps_rollup, in KiB; 0 when the process is gone. Linux only. */
export function kibibytesOf(pid: number, file: 'status' | 'smaps_rollup', name: string): number {
  try {
    const text = readFileSync(`/proc/${String(pid)}/${file}`, 'utf8');
    return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0);
  } catch {
    return 0;
  }
}

export async function until(look: () => Promise<boolean> | boolean, everyMs = 5): Promise<void> {
  while (!(await look())) await new Promise((resolve) => setTimeout(resolve, everyMs));
}
