/**
 * Goal: a receiver of the Stately inspector sees every machine and every step, in order, without secrets; nobody else is let in.
 * Method: that package's own receiver, over a real WebSocket; a port that tells a small history.
 */
import { createWebSocketReceiver } from '@statelyai/inspect';
import { once } from 'node:events';
import { request } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { ConductorError } from '../../../../src/machines/errors.ts';
import type { ConductorPort } from '../../../../src/hosts/cli/conductor-port.ts';
import { StatelyBridge } from '../../../../src/hosts/cli/stately/stately-bridge.ts';
import { openStatelyServer, type StatelyServer } from '../../../../src/hosts/cli/stately/stately-server.ts';
import type { JournalEntry } from '../../../../src/persistence/store.ts';

type Received = {
  readonly type: string;
  readonly sessionId: string;
  readonly rootId: string;
  readonly parentId?: string;
  readonly name?: string;
  readonly definition?: string;
  readonly event?: { readonly type: string; readonly text?: string };
  readonly snapshot?: { readonly value: string; readonly context: { readonly progress?: string } };
};

const TASK = 'task-01aaaaaaaaaaaaaaaaaa';
const RUN = 'run-01bbbbbbbbbbbbbbbbbb';
const GONE = 'gate-01cccccccccccccccccc';

const entry = (seq: number, actor: string, event: object): JournalEntry =>
  ({ seq, at: seq, kind: 'transition', actor, event }) as unknown as JournalEntry;

/** A task that is there, a run that comes, two steps, and an entry whose gate is archived by now. */
const history: readonly JournalEntry[] = [
  entry(2, RUN, { type: 'run.created' }),
  entry(3, TASK, { type: 'task.progressed', text: 'token hunter2-secret' }),
  entry(4, GONE, { type: 'gate.created' }),
  entry(5, RUN, { type: 'runner.ready' }),
];
const contextOf = (id: string, seq: number) =>
  id === TASK
    ? { title: 'One', objectiveId: null, progress: seq >= 3 ? 'token hunter2-secret' : null }
    : { taskId: TASK, objectiveId: null };
const portOf = (more: () => Promise<void>): ConductorPort =>
  ({
    call: async (operation: string, params: { readonly id: string; readonly seq: number }) => {
      if (operation === 'conductor_get_overview') {
        const items = { objectives: [], workers: [], tasks: [{ taskId: TASK }], runs: [], gates: [] };
        return { content: [], details: { seq: 1, at: 1, items } };
      }
      const { id, seq } = params;
      if (id === GONE) throw new ConductorError('not_found', 'archived');
      const value = id === TASK ? 'running' : seq < 5 ? 'queued' : 'running';
      return {
        content: [],
        details: {
          kind: id === TASK ? 'task' : 'run',
          snapshot: { status: 'active', value, context: contextOf(id, seq) },
        },
      };
    },
    subscribe: async function* ({ after }: { readonly after: number }) {
      await more();
      for (const each of history) if (each.seq > after) yield each;
    },
  }) as unknown as ConductorPort;

let server: StatelyServer;
afterEach(() => server.close());

const attach = (): { readonly received: Received[]; readonly count: (least: number) => Promise<void> } => {
  const received: Received[] = [];
  const news = new EventTarget();
  createWebSocketReceiver({ server: server.url }).subscribe((event) => {
    received.push(event as unknown as Received);
    news.dispatchEvent(new Event('message'));
  });
  const count = async (least: number): Promise<void> => {
    while (received.length < least) await once(news, 'message');
  };
  return { received, count };
};

test('B1, B2, Y1: who attaches sees who is there, then each step as it was, redacted', async () => {
  const attached = Promise.withResolvers<void>();
  const bridge = new StatelyBridge(
    portOf(() => attached.promise),
    (text) => text.replaceAll('hunter2-secret', '[redacted]'),
  );
  const after = await bridge.begin();
  server = await openStatelyServer(0, () => bridge.greeting());
  const first = attach();
  await first.count(1);
  expect(first.received[0]).toMatchObject({ type: '@xstate.actor', name: 'One', sessionId: TASK, rootId: TASK });
  expect(JSON.parse(first.received[0]!.definition!)).toMatchObject({ id: 'task' });
  attached.resolve();
  await bridge.follow(server, { after, signal: new AbortController().signal });
  await first.count(6);
  expect(first.received.slice(1).map(({ type, sessionId }) => [type, sessionId])).toEqual([
    ['@xstate.actor', RUN],
    ['@xstate.event', TASK],
    ['@xstate.snapshot', TASK],
    ['@xstate.event', RUN],
    ['@xstate.snapshot', RUN],
  ]);
  const [born, told, progressed, , ran] = first.received.slice(1);
  expect(born).toMatchObject({ parentId: TASK, snapshot: { value: 'queued' } });
  expect(told!.event).toEqual({ type: 'task.progressed', text: 'token [redacted]' });
  expect(progressed!.snapshot!.context.progress).toBe('token [redacted]');
  expect(ran!.snapshot!.value).toBe('running');
  const late = attach();
  await late.count(2);
  expect(late.received.map(({ type, sessionId, snapshot }) => [type, sessionId, snapshot!.value])).toEqual([
    ['@xstate.actor', TASK, 'running'],
    ['@xstate.actor', RUN, 'running'],
  ]);
  expect(JSON.stringify([...first.received, ...late.received])).not.toContain('hunter2');
});

test('V1: without the secret path, or under a foreign name, nobody is let in', async () => {
  server = await openStatelyServer(0, () => []);
  const { port, pathname } = new URL(server.url.replace('ws:', 'http:'));
  const knock = async (path: string, host: string): Promise<number | 'in'> => {
    const headers = {
      host,
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': Buffer.alloc(16).toString('base64'),
    };
    const asked = request({ host: '127.0.0.1', port, path, headers }).end();
    const answered = once(asked, 'response').then(([response]: { readonly statusCode: number }[]) => {
      asked.destroy();
      return response!.statusCode;
    });
    const let_in = once(asked, 'upgrade').then(() => {
      asked.destroy();
      return 'in' as const;
    });
    return Promise.race([answered, let_in]);
  };
  expect(await knock('/', `127.0.0.1:${port}`)).toBe(403);
  expect(await knock(`${pathname}x`, `127.0.0.1:${port}`)).toBe(403);
  expect(await knock(pathname, 'evil.example')).toBe(403);
  expect(await knock(pathname, `localhost:${port}`)).toBe('in');
});
