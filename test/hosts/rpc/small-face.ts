/**
 * A supervisor that is small enough to see through: a journal in memory, a few operations, requests remembered in a directory so that
 * a second process of it knows what the first one did.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConductorError } from '../../../src/machines/errors.ts';
import type { JournalEntry } from '../../../src/persistence/store.ts';
import type { WireIdentity } from '../../../src/supervisor/runners/protocol.ts';
import { PROTOCOL } from '../../../src/supervisor/runners/protocol.ts';
import type { RunnerIntake, RunnerLink } from '../../../src/supervisor/runs/runner-link.ts';
import type {
  EntriesListener,
  InspectorDoor,
  InvokeRequest,
  OperationAnswer,
  SupervisorFace,
} from '../../../src/hosts/rpc/rpc-face.ts';

export type SmallFace = SupervisorFace & {
  readonly journal: JournalEntry[];
  readonly invoked: InvokeRequest[];
  readonly links: RunnerLink[];
  readonly clientCounts: number[];
  /** Adds entries and tells whoever listens. */
  append(count: number, text?: string, actor?: string): void;
  readonly listeners: Set<EntriesListener>;
};

export type SmallFaceOptions = {
  readonly identity: WireIdentity;
  readonly socket: string;
  /** Where requests are remembered; null keeps none. */
  readonly memory: string | null;
  readonly onStop?: () => void;
  /** Default: off. */
  readonly inspector?: InspectorDoor;
};

export const entryOf = (seq: number, text = '', actor = 'task-a'): JournalEntry =>
  ({
    seq,
    at: 1_700_000_000_000 + seq,
    commit: seq,
    kind: 'note',
    actor,
    machine: 'task',
    version: '1',
    event: { type: 'note.written', text },
    from: null,
    to: null,
    taken: [],
    principal: 'system',
    objectiveId: null,
    taskId: null,
    runId: null,
    reason: null,
    patch: null,
  }) as unknown as JournalEntry;

const text = (details: unknown): OperationAnswer => ({ content: [{ type: 'text', text: 'ok' }], details });

export const createSmallFace = (options: SmallFaceOptions): SmallFace => {
  const journal: JournalEntry[] = [];
  const invoked: InvokeRequest[] = [];
  const links: RunnerLink[] = [];
  const clientCounts: number[] = [];
  const listeners = new Set<EntriesListener>();

  const operations: Record<string, (request: InvokeRequest) => Promise<OperationAnswer> | OperationAnswer> = {
    echo: ({ params, principal, clientEnv, confirmedGate }) => text({ params, principal, clientEnv, confirmedGate }),
    crash: () => {
      throw new TypeError('secret of the stack');
    },
    refuse: () => {
      throw new ConductorError('limit_reached', 'no more', { retryable: true, details: { limit: 3 } });
    },
    large: () => text('x'.repeat(20_000_000)),
    page: () => text('x'.repeat(900_000)),
    wait: ({ signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new ConductorError('canceled', 'nobody waits any more')));
      }),
    append: ({ params }) => {
      append((params as { count: number }).count);
      return text({ lastSeq: journal.length });
    },
    count: (request) => counted(options.memory, request),
  };
  const append = (count: number, note = '', actor = 'task-a'): void => {
    const added = Array.from({ length: count }, (_, index) => entryOf(journal.length + index + 1, note, actor));
    journal.push(...added);
    for (const listener of listeners) void listener(added, journal.length);
  };
  const intake: RunnerIntake = {
    ready: async (_message, link) => {
      links.push(link);
      return { kind: 'granted', appliedSeq: 0 };
    },
    report: async ({ entries }) => entries.map(({ seq }) => ({ result: 'applied', seq })),
    heartbeat: () => undefined,
    closed: (link) => void links.splice(links.indexOf(link), 1),
  };
  return {
    journal,
    invoked,
    links,
    clientCounts,
    listeners,
    append,
    intake,
    facts: () => ({
      identity: options.identity,
      version: '0.0.0',
      protocol: PROTOCOL,
      epoch: 1,
      startedAt: 1,
      socket: options.socket,
      project: { key: 'small-000000000000', repoRoot: '/repo', home: '/home' },
      inspector: null,
    }),
    liveRuns: () => [],
    inspector: () => options.inspector ?? { kind: 'off', why: 'this one has none' },
    invoke: async (request) => {
      invoked.push(request);
      const operation = operations[request.operation];
      if (operation === undefined) throw new ConductorError('not_found', `no operation ${request.operation}`);
      return operation(request);
    },
    subscribe: async (after, listener) => {
      // The backlog page by page, then live: what was added while a page was taken comes with the next one.
      let cursor = after;
      while (cursor < journal.length) {
        const page = journal.slice(cursor, cursor + 1_000);
        cursor += page.length;
        await listener(page, journal.length);
      }
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    stop: async (mode, progress) => {
      progress(`stopping: ${mode}`);
      options.onStop?.();
    },
    idle: { touch: () => undefined, clients: (count) => void clientCounts.push(count) },
  };
};

/**
 * Counts once per request id, in a file. `{hangFirst: true}` never answers the first call that counts, so that a test can end the
 * process in the middle of it.
 */
const counted = (
  memory: string | null,
  { requestId, params }: InvokeRequest,
): Promise<OperationAnswer> | OperationAnswer => {
  const path = join(memory ?? '', 'requests.json');
  const known = (existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : []) as (string | null)[];
  if (known.includes(requestId)) return text({ count: known.length, repeated: true });
  writeFileSync(path, JSON.stringify([...known, requestId]));
  if ((params as { hangFirst?: boolean }).hangFirst === true) return new Promise(() => undefined);
  return text({ count: known.length + 1, repeated: false });
};
