/** Starting and stopping the supervisor of a project from the command line. */
import { isConductorError } from '../../machines/errors.ts';
import { readSupervisorFile } from '../rpc/supervisor-file.ts';
import type { CliIo } from './cli-io.ts';
import type { LocalProject } from './command-definition.ts';
import { findPlace, type ProjectPlace } from './project-place.ts';

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
  inspectorLink: async (repo) => {
    const { client, started } = await ensured(repo, parts.env, { stay: false, inspector: true });
    try {
      return { url: await client.inspectorLink(), started };
    } finally {
      await client.close();
    }
  },
  openBrowser: async (url) => {
    const { openBrowser } = await import('./browser-opening.ts');
    return openBrowser(url, parts.env);
  },
  stop: async (repo, { runs, onProgress, signal }) => {
    const client = await runningClient(await findPlace(repo, parts.env));
    if (client === null) return { stopped: false, pid: null };
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
