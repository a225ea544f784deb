/** Starting and stopping the supervisor of a project from the command line. */
import { setTimeout } from 'node:timers/promises';
import { isConductorError } from '../../machines/errors.ts';
import { readSupervisorFile } from '../rpc/supervisor-file.ts';
import type { CliIo } from './cli-io.ts';
import type { LocalProject } from './command-definition.ts';
import { findPlace, type ProjectPlace } from './project-place.ts';

/** How long a supervisor may take to let go after SIGTERM, and how often that is looked at, in ms. */
const LEAVE_MS = 10_000;
const LOOK_MS = 50;

export const createLocalProject = (parts: {
  readonly env: CliIo['env'];
  /** The program `child`; a host of its own. */
  readonly child: LocalProject['child'];
}): LocalProject => ({
  child: parts.child,
  start: async (repo, { inspector }) => {
    const { client, started } = await ensured(repo, parts.env, { stay: true, inspector });
    await client.close();
    return { started };
  },
  inspectorLink: async (repo, { file }) => {
    const { client, started } = await ensured(repo, parts.env, { stay: false, inspector: true });
    try {
      return { ...(await client.inspectorLink(file)), started };
    } finally {
      await client.close();
    }
  },
  openBrowser: async (file) => {
    const { openBrowser } = await import('./browser-opening.ts');
    return openBrowser(file, parts.env);
  },
  runningVersion: async (repo) => {
    const { paths } = await findPlace(repo, parts.env);
    const file = readSupervisorFile(paths.root);
    const { openProcessTable } = await import('../../supervisor/processes/open-process-table.ts');
    return file !== null && openProcessTable().liveness(file.identity) === 'alive' ? file.version : null;
  },
  stop: async (repo, { runs, onProgress, signal }) => {
    const place = await findPlace(repo, parts.env);
    const client = runs === 'keep' ? await clientOrDetached(place) : await runningClient(place);
    if (client === null) return { stopped: false, pid: null };
    if ('detached' in client) return { stopped: true, pid: client.detached };
    const { pid } = client.facts.identity;
    const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    await Promise.race([client.stop(runs, onProgress), aborted]);
    if (signal.aborted) await client.close();
    return { stopped: !signal.aborted, pid };
  },
});

const ensured = async (
  repo: string,
  environment: CliIo['env'],
  wanted: { readonly stay: boolean; readonly inspector: boolean },
) => {
  const { ensureSupervisor } = await import('../rpc/daemon-start.ts');
  const { home, project } = await findPlace(repo, environment);
  return ensureSupervisor({ repo: project.checkout, home, environment, ...wanted });
};

/** A supervisor whose protocol this version does not speak understands SIGTERM: it leaves its runs alone and goes. */
const clientOrDetached = async (place: ProjectPlace) => {
  try {
    return await runningClient(place);
  } catch (error) {
    const file = readSupervisorFile(place.paths.root);
    if (!isConductorError(error, 'protocol_mismatch') || file === null) throw error;
    const { openProcessTable } = await import('../../supervisor/processes/open-process-table.ts');
    const table = openProcessTable();
    table.signal(file.identity, 'SIGTERM');
    const deadline = performance.now() + LEAVE_MS;
    while (table.liveness(file.identity) === 'alive') {
      if (performance.now() > deadline) throw error;
      await setTimeout(LOOK_MS);
    }
    return { detached: file.identity.pid };
  }
};

const runningClient = async ({ paths }: ProjectPlace) => {
  if (readSupervisorFile(paths.root) === null) return null;
  const { connectSupervisor } = await import('../rpc/rpc-client.ts');
  try {
    return await connectSupervisor({ projectHome: paths.root });
  } catch (error) {
    if (isConductorError(error, 'supervisor_unreachable') && error.details['state'] === 'gone') return null;
    throw error;
  }
};
