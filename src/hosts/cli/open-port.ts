/**
 * Decides who answers a command: a running supervisor, one that is started for it, or the store read without one.
 *
 * P1. A command that only reads starts nothing and creates nothing; a project without a home has zeros.
 * P2. While a supervisor runs it is asked, never its store.
 */
import { ConductorError, isConductorError } from '../../machines/errors.ts';
import type { JournalEntry } from '../../persistence/store.ts';
import type { SupervisorClient } from '../rpc/rpc-client.ts';
import { readSupervisorFile } from '../rpc/supervisor-file.ts';
import type { CliIo } from './cli-io.ts';
import type { ConductorPort, PortOpener } from './conductor-port.ts';
import { findPlace, type ProjectPlace } from './project-place.ts';

export type PortParts = {
  readonly env: CliIo['env'];
  readonly isAtTerminal: boolean;
};

export const createPortOpener = (parts: PortParts): PortOpener => ({
  open: async (repo, need) => {
    const place = await findPlace(repo, parts.env);
    if (need === 'start') return startAndConnect(place, parts);
    if (need === 'running') return connect(place, parts);
    return (await connectIfRunning(place, parts)) ?? (await openStore(place, parts));
  },
});

const startAndConnect = async (place: ProjectPlace, parts: PortParts): Promise<ConductorPort> => {
  const { ensureSupervisor } = await import('../rpc/daemon-start.ts');
  const { home, project } = place;
  const { client } = await ensureSupervisor({ repo: project.checkout, home, stay: false, environment: parts.env });
  return portOf(client, place, parts);
};

const connect = async (place: ProjectPlace, parts: PortParts): Promise<ConductorPort> => {
  const { connectSupervisor } = await import('../rpc/rpc-client.ts');
  return portOf(await connectSupervisor({ projectHome: place.paths.root }), place, parts);
};

/** Without a file that names a supervisor nothing is loaded to reach one. */
const connectIfRunning = async (place: ProjectPlace, parts: PortParts): Promise<ConductorPort | null> => {
  if (readSupervisorFile(place.paths.root) === null) return null;
  try {
    return await connect(place, parts);
  } catch (error) {
    // Gone without taking its file along: the store says what it left. A living one that is mute is trouble, not absence.
    if (isConductorError(error, 'supervisor_unreachable') && error.details['state'] === 'gone') return null;
    throw error;
  }
};

const openStore = async (place: ProjectPlace, parts: PortParts): Promise<ConductorPort> => {
  const { openStorePort } = await import('./store-port.ts');
  return openStorePort(place, { env: parts.env, isAtTerminal: parts.isAtTerminal });
};

const portOf = (client: SupervisorClient, place: ProjectPlace, parts: PortParts): ConductorPort => ({
  call: async (operation, params, options = {}) => {
    const { challenge } = options;
    const sendsValues = OPERATIONS_WITH_VALUES.includes(operation);
    const values = options.environment ?? (sendsValues ? await grantedValues(place, parts) : undefined);
    const nonce = challenge === undefined ? null : (await client.challenge(challenge.gateId)).nonce;
    return client.call(operation, params, {
      ...(options.requestId === undefined ? {} : { requestId: options.requestId }),
      ...(values === undefined ? {} : { env: values }),
      ...(challenge === undefined || nonce === null ? {} : { challenge: { ...challenge, nonce } }),
    });
  },
  subscribe: (from) => whileAlive(client, from),
  facts: () => ({
    supervisor: client.facts,
    project: { key: place.project.projectKey, repoRoot: place.project.repoRoot, home: place.paths.root },
  }),
  close: () => client.close(),
});

/** How often the supervisor's process is looked at while nothing comes, in ms. */
const LOOK_MS = 1_000;

/**
 * The client waits a while for the next supervisor; when the process is gone, a caller who may start one need not.
 * @throws ConductorError `supervisor_unreachable`
 */
async function* whileAlive(
  client: SupervisorClient,
  { after, signal }: { readonly after: number; readonly signal?: AbortSignal },
): AsyncGenerator<JournalEntry> {
  const { openProcessTable } = await import('../../supervisor/processes/open-process-table.ts');
  const table = openProcessTable();
  const gone = Promise.withResolvers<IteratorResult<JournalEntry>>();
  let isGone = false;
  const look = setInterval(() => {
    if (['alive', 'foreign'].includes(table.liveness(client.facts.identity))) return;
    isGone = true;
    gone.resolve({ done: true, value: undefined });
  }, LOOK_MS);
  const entries = client.subscribe({ after, ...(signal === undefined ? {} : { signal }) })[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = entries.next();
      // The client goes on trying by itself; once nobody listens, its last word is of no use.
      next.catch(() => {});
      const result = await Promise.race([next, gone.promise]);
      if (result.done === true) break;
      yield result.value;
    }
  } finally {
    clearInterval(look);
    // Not awaited: a subscription that is trying to connect answers when it has given up.
    entries.return?.().catch(() => {});
  }
  if (!isGone || signal?.aborted === true) return;
  throw new ConductorError('supervisor_unreachable', 'the supervisor has ended', { retryable: true });
}

/** Operations that make or revive tasks: their runs may need values of variables that only this terminal has. */
const OPERATIONS_WITH_VALUES: readonly string[] = [
  'conductor_run_plan',
  'conductor_retry_task',
  'conductor_create_task',
  'conductor_start_task_run',
  'conductor_run_task',
];

const grantedValues = async (place: ProjectPlace, { env }: PortParts): Promise<Readonly<Record<string, string>>> => {
  const { grantedNames } = await import('./granted-names.ts');
  const names = await grantedNames(place, env);
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
};
