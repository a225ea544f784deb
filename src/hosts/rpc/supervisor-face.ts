/**
 * The real supervisor as the RPC server sees it: operations with the context of one call, the journal as a subscription.
 *
 * S1. The principal, the values of granted variables and the confirmed gate come from the server, never from parameters.
 * S2. A subscription hands over from the store to live commits without gap or repeat: live entries wait until the backlog is read.
 */
import { constants } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { ConductorError } from '../../machines/errors.ts';
import { HIGH_RISK_GATE_TYPES, type GateType } from '../../machines/gate/model.ts';
import { readArchivedArtifact } from '../../persistence/archived-artifacts.ts';
import { artifactPath } from '../../persistence/artifact-files.ts';
import { newId } from '../../persistence/id-source.ts';
import type { JournalEntry } from '../../persistence/store.ts';
import { catalogue } from '../../operations/catalogue.ts';
import { createConfigurationSource, type ConfigurationSource } from '../../operations/configuration.ts';
import { invokeOperation } from '../../operations/invoke-operation.ts';
import type { OperationContext } from '../../operations/operation-context.ts';
import { openTrust } from '../../operations/trust.ts';
import type { Supervisor } from '../../supervisor/open-supervisor.ts';
import type { UsageMeter } from '../../supervisor/processes/usage-meter.ts';
import { PROTOCOL } from '../../supervisor/runners/protocol.ts';
import { coverageText } from './coverage-text.ts';
import { liveDiffOf, liveFactsOf, servicesView, usageMeterOf } from './live-views.ts';
import type { EntriesListener, InspectorDoor, InvokeRequest, SupervisorFace } from './rpc-face.ts';

export type FaceOptions = {
  readonly supervisor: Supervisor;
  readonly version: string;
  /** Where it listens now. */
  readonly socket: () => string;
  readonly inspector: () => InspectorDoor;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly stop: SupervisorFace['stop'];
  readonly idle: SupervisorFace['idle'];
};

export function createSupervisorFace(options: FaceOptions): SupervisorFace {
  const { supervisor, version } = options;
  const meter = usageMeterOf(supervisor);
  const liveFacts = liveFactsOf(meter);
  const common = commonContext(options, meter);
  const { key, repoRoot, home } = supervisor.project;
  return {
    facts: () => ({
      identity: supervisor.table.self(),
      version,
      protocol: PROTOCOL,
      epoch: supervisor.epoch,
      startedAt: supervisor.startedAt,
      socket: options.socket(),
      project: { key, repoRoot, home },
      inspector: inspectorUrl(options),
    }),
    invoke: async (request) => {
      await requireConfirmation(supervisor, request);
      return invokeOperation(
        catalogue,
        { name: request.operation, params: request.params },
        {
          ...common,
          supervisor: processFacts(options),
          ...ofCall(request),
          requestId: request.requestId,
          signal: request.signal,
        },
      );
    },
    subscribe: (after, listener) => subscribe(supervisor, after, listener),
    liveRuns: () => [...supervisor.live.all()].map((run) => ({ runId: run.runId, ...liveFacts(run) })),
    inspector: options.inspector,
    intake: supervisor.intake,
    stop: options.stop,
    idle: options.idle,
  };
}

const ofCall = (request: InvokeRequest): Pick<OperationContext, 'principal' | 'clientEnv'> => ({
  principal: request.principal,
  clientEnv: request.clientEnv,
});

type Common = Omit<OperationContext, 'principal' | 'requestId' | 'signal' | 'clientEnv' | 'supervisor'>;

const inspectorUrl = ({ inspector }: FaceOptions): string | null => {
  const door = inspector();
  return door.kind === 'open' ? door.url : null;
};

const processFacts = (options: FaceOptions): OperationContext['supervisor'] => ({
  pid: process.pid,
  startedAt: options.supervisor.startedAt,
  version: options.version,
  socket: options.socket(),
  inspector: inspectorUrl(options),
});

function commonContext({ supervisor, version, environment }: FaceOptions, meter: UsageMeter): Common {
  const { kernel, store, clock, workspaces, live, granted, paths } = supervisor;
  const liveFacts = liveFactsOf(meter);
  const trust = openTrust(paths.root);
  return {
    kernel,
    reader: store,
    clock,
    newId: (kind) => newId(kind, clock.now()) as never,
    project: { key: supervisor.project.key, repoRoot: supervisor.project.repoRoot, home: paths.root },
    workspaces,
    scheduler: {
      queuePlace: (taskId) => supervisor.scheduler().queuePlace(taskId),
      poke: () => supervisor.scheduler().poke(),
      reasons: async (tasks) => {
        const scheduler = supervisor.scheduler();
        const found = tasks.map(({ id, objectiveId }) => [id, scheduler.reasonOf(id, objectiveId)] as const);
        return new Map(found.filter((entry): entry is readonly [string, string] => entry[1] !== null));
      },
    },
    runs: {
      facts: (runId) => {
        const run = live.get(runId);
        return run === null ? null : liveFacts(run);
      },
    },
    grants: { keep: (taskIds, values) => granted.keep(taskIds, values) },
    chooseWorker: async (task, wanted) => {
      const placement = await supervisor.scheduler().place(task, wanted);
      if (placement.kind === 'wait') return { waits: placement.reason };
      return { workerId: placement.workerId as never, newWorker: placement.newWorker };
    },
    agents: ['command'],
    config: configurationOf(environment, {
      fileAt: (commit, path) => workspaces.fileAt(commit, path),
      isTrusted: (hash) => trust.isTrusted(hash),
    }),
    trust,
    artifacts: {
      read: (row, maxBytes) => readBeginning(artifactPath(paths.artifacts, row.sha256), maxBytes),
      readArchived: (archive, wanted) => readArchivedArtifact(paths.archive, archive, wanted),
    },
    services: servicesView(supervisor, version, meter),
    treeSteps: () => supervisor.services().steps(),
    liveDiff: liveDiffOf(supervisor),
    machineCoverage: () => coverageText(supervisor.project.repoRoot),
    child: null,
  };
}

/**
 * A high-risk approval counts only after a human answered the challenge for exactly this gate (S1).
 * @throws ConductorError `not_permitted`
 */
async function requireConfirmation(
  { kernel }: Supervisor,
  { operation, params, confirmedGate }: InvokeRequest,
): Promise<void> {
  if (operation !== 'conductor_resolve_gate') return;
  const { gateId, status } = (params ?? {}) as { readonly gateId?: unknown; readonly status?: unknown };
  if (typeof gateId !== 'string' || status !== 'approved') return;
  const gate = await kernel.read(gateId);
  const type = (gate?.snapshot.context as { readonly gateType?: GateType } | undefined)?.gateType;
  if (type === undefined || !HIGH_RISK_GATE_TYPES.includes(type) || confirmedGate === gateId) return;
  throw new ConductorError(
    'not_permitted',
    `${type} is approved by a human who types the last six characters of ${gateId}`,
    {
      details: { gateId, type },
    },
  );
}

/** null when the copy is gone. */
async function readBeginning(path: string, maxBytes: number): Promise<Uint8Array | null> {
  try {
    await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    const { bytesRead, buffer } = await file.read(Buffer.alloc(maxBytes), 0, maxBytes, 0);
    return buffer.subarray(0, bytesRead);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** The user's file lies in `$XDG_CONFIG_HOME/conductor/config.yaml`, else below `~/.config`. */
export function configurationOf(
  environment: Readonly<Record<string, string | undefined>>,
  repository: {
    fileAt(commit: string, path: string): Promise<string | null>;
    isTrusted(hash: string): Promise<boolean>;
  },
): ConfigurationSource {
  const directory = environment['XDG_CONFIG_HOME'] || join(environment['HOME'] || homedir(), '.config');
  const path = join(directory, 'conductor', 'config.yaml');
  return createConfigurationSource({
    ...repository,
    userFile: async () => {
      try {
        return { text: await readFile(path, 'utf8'), path };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
        throw error;
      }
    },
  });
}

/** Entries of one page of the backlog. */
const BACKLOG_PAGE = 500;

async function subscribe({ kernel, store }: Supervisor, after: number, listener: EntriesListener): Promise<() => void> {
  let cursor = after;
  let waiting: JournalEntry[] = [];
  let ended = false;
  const tell = (entries: readonly JournalEntry[]): void | Promise<void> => {
    const isAllFresh = entries.length > 0 && entries[0]!.seq > cursor;
    const fresh = isAllFresh ? entries : entries.filter((entry) => entry.seq > cursor);
    const last = fresh.at(-1);
    if (last === undefined || ended) return undefined;
    cursor = last.seq;
    return listener(fresh, last.seq);
  };
  let unsubscribe = kernel.subscribe((commit) => waiting.push(...commit.entries));
  const readBacklog = async (): Promise<void> => {
    for (;;) {
      const page = await store.listJournal({ after: cursor, limit: BACKLOG_PAGE });
      if (page.length === 0 || ended) break;
      // What is live is in the store too: the backlog covers it, so it need not pile up meanwhile.
      waiting = waiting.filter((entry) => entry.seq > (page.at(-1)?.seq ?? 0));
      await tell(page);
    }
    if (ended) return;
    void tell(waiting);
    waiting = [];
    unsubscribe();
    // From here on whatever comes follows what was told, but for those who wait for what is still to be.
    unsubscribe = kernel.subscribe(({ entries }) => {
      const first = entries[0];
      if (first !== undefined) void (first.seq > after ? listener(entries, entries.at(-1)!.seq) : tell(entries));
    });
  };
  void readBacklog();
  return () => {
    ended = true;
    unsubscribe();
  };
}
