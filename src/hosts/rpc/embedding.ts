/**
 * Conductor inside another program: the same calls, whether the supervisor is a process of its own or this one.
 *
 * E1. `auto` connects when a supervisor answers, and owns the project itself when there is none. Two programs that do so at once
 *     get one owner: the other one connects to it.
 * E2. Also what owns the project in this process is reached over its socket: one way in, one set of rules.
 * E3. `stop` ends what this program began. A supervisor that it only connected to goes on for the others.
 */
import type { OperationDetails, OperationName, OperationParams } from '../../operations/catalogue.ts';
import type { OperationResult } from '../../operations/operation.ts';
import { isConductorError } from '../../machines/errors.ts';
import { conductorHome, projectHome } from '../../persistence/project-home.ts';
import type { JournalEntry } from '../../persistence/store.ts';
import { findProject } from '../../supervisor/workspaces/project-identity.ts';
import { connectIfRunning, isOwnersRace, refuseInsideRun } from './daemon-start.ts';
import { connectSupervisor, type SupervisorClient } from './rpc-client.ts';
import type { StopMode, SupervisorFacts } from './rpc-face.ts';

export type ConductorOptions = {
  /** Any directory of the repository. */
  readonly repo: string;
  /** Default: CONDUCTOR_HOME, and what stands for it when it is unset. */
  readonly home?: string;
  /**
   * `connect`: a supervisor that runs already. `embedded`: this process owns the project. Default `auto`: the first, else the second.
   */
  readonly mode?: 'auto' | 'embedded' | 'connect';
  /** Whether the inspector listens when this process owns the project. Default false. */
  readonly inspector?: boolean;
};

export type ConductorCallOptions = {
  /** Made once per intent, reused by a repeat. Default: a fresh one, which is kept over reconnects. */
  readonly requestId?: string;
  /** Ends the waiting; what is committed stays. */
  readonly signal?: AbortSignal;
  /** Values of variables that the user's configuration grants to runs. In memory only. */
  readonly env?: Readonly<Record<string, string>>;
};

/** `left`: the supervisor was there before, and goes on. */
export type Stopped = { readonly kind: 'stopped' } | { readonly kind: 'left'; readonly pid: number };

export interface Conductor {
  readonly facts: SupervisorFacts;
  /** Whether this process owns the project. */
  readonly embedded: boolean;
  /** @throws ConductorError as the operation refuses, and `supervisor_unreachable`. */
  call<Name extends OperationName>(
    name: Name,
    params: OperationParams<Name>,
    options?: ConductorCallOptions,
  ): Promise<OperationResult<OperationDetails<Name>>>;
  /** Every journal entry after `after` (0 = all), once, in order, for as long as it is read. */
  subscribe(from: { readonly after: number; readonly signal?: AbortSignal }): AsyncIterable<JournalEntry>;
  /** @param options.runs what becomes of runs when this process owns the project: `keep` (default), `drain`, `now`. */
  stop(options?: { readonly runs?: StopMode }): Promise<Stopped>;
}

/** A supervisor that this process serves. */
export type ServedHere = { stop(mode: StopMode): Promise<void> };
export type ServeHere = (place: {
  readonly repo: string;
  readonly home: string;
  readonly inspector: boolean;
}) => Promise<ServedHere>;

/** How long the winner of a race for the project may take until it answers, in ms. */
const WINNER_MS = 30_000;

/** @param serve owns the project in this process; loaded when it is needed, for it is most of Conductor. */
export const openConductor = async (options: ConductorOptions, serve: ServeHere): Promise<Conductor> => {
  const { mode = 'auto', home = conductorHome(process.env), inspector = false } = options;
  const { projectKey, checkout } = await findProject(options.repo);
  const paths = projectHome(home, projectKey);
  if (mode === 'connect') return conductorOf(await connectSupervisor({ projectHome: paths.root }), null);
  const running = mode === 'auto' ? await connectIfRunning({ projectHome: paths.root }) : null;
  if (running !== null) return conductorOf(running, null);
  await refuseInsideRun(projectKey, process.env);
  try {
    const served = await serve({ repo: checkout, home, inspector });
    return conductorOf(await connectSupervisor({ projectHome: paths.root }), served);
  } catch (error) {
    if (mode === 'embedded' || !isConductorError(error) || !isOwnersRace(error, paths)) throw error;
    return conductorOf(await connectSupervisor({ projectHome: paths.root, waitMs: WINNER_MS }), null);
  }
};

const conductorOf = (client: SupervisorClient, served: ServedHere | null): Conductor => ({
  get facts() {
    return client.facts;
  },
  embedded: served !== null,
  // What an operation answers has the shape of its schema: the catalogue is the same on both sides of the socket.
  call: async (name, params, options) => (await client.call(name, params, options)) as never,
  subscribe: (from) => client.subscribe(from),
  stop: async ({ runs = 'keep' } = {}) => {
    const { pid } = client.facts.identity;
    await client.close();
    if (served === null) return { kind: 'left', pid };
    await served.stop(runs);
    return { kind: 'stopped' };
  },
});
