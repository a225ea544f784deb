/**
 * Goal: the reader's cursor alone decides what comes next, whatever a connection sends.
 * Method: connections made by hand that repeat, lag, refuse and close.
 */
import { expect, test } from 'vitest';
import type { ClientConnection, Reply } from '../../../src/hosts/rpc/client-connection.ts';
import { followJournal } from '../../../src/hosts/rpc/journal-subscription.ts';
import { CLIENT_NEWS, type SubscribeParams } from '../../../src/hosts/rpc/wire.ts';
import { ConductorError } from '../../../src/machines/errors.ts';
import { entryOf } from './small-face.ts';

type Send = (method: string, news: object) => void;
/** What happens after each `subscribe`. */
type Script = (params: SubscribeParams, send: Send, close: () => void) => Reply | Promise<Reply>;

const answered: Reply = { kind: 'answered', result: {} };
const connectionWith = (script: Script, asked: number[]): ClientConnection => {
  const listeners = new Map<string, (news: unknown) => void>();
  const closed = Promise.withResolvers<void>();
  return {
    hello: {} as ClientConnection['hello'],
    isOpen: () => true,
    request: async (method, params) => {
      if (method !== 'subscribe') return answered;
      const subscribe = params as SubscribeParams;
      asked.push(subscribe.after);
      return script(
        subscribe,
        (name, news) => listeners.get(name)?.({ subscription: subscribe.subscription, ...news }),
        closed.resolve,
      );
    },
    onNews: (method, listener) => {
      listeners.set(method, listener);
      return () => void listeners.delete(method);
    },
    watch: () => () => undefined,
    closed: closed.promise,
    close: closed.resolve,
  };
};
const entries = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, index) => entryOf(first + index));
const follow = async (after: number, until: number, ...scripts: Script[]) => {
  const asked: number[] = [];
  const seen: number[] = [];
  let next = 0;
  const connect = async (): Promise<ClientConnection> => connectionWith(scripts[next++]!, asked);
  for await (const { seq } of followJournal(connect, { after })) {
    seen.push(seq);
    if (seq === until) break;
  }
  return { asked, seen };
};

test('J1: what is sent twice is given once', async () => {
  const result = await follow(2, 6, (_params, send) => {
    send(CLIENT_NEWS.entries, { entries: entries(1, 4), lastSeq: 6 });
    send(CLIENT_NEWS.entries, { entries: entries(3, 6), lastSeq: 6 });
    return answered;
  });
  expect(result).toEqual({ asked: [2], seen: [3, 4, 5, 6] });
});

test('J1: after lagging and after a lost connection it begins again where the reader is', async () => {
  const result = await follow(
    0,
    6,
    (_params, send) => {
      send(CLIENT_NEWS.entries, { entries: entries(1, 2), lastSeq: 6 });
      send(CLIENT_NEWS.lagged, { cursor: 2 });
      return answered;
    },
    (_params, send, close) => {
      send(CLIENT_NEWS.entries, { entries: entries(3, 4), lastSeq: 6 });
      close();
      return { kind: 'lost' };
    },
    (_params, send) => {
      send(CLIENT_NEWS.entries, { entries: entries(5, 6), lastSeq: 6 });
      return answered;
    },
  );
  expect(result).toEqual({ asked: [0, 2, 4], seen: [1, 2, 3, 4, 5, 6] });
});

test('news of another subscription of the same connection are not ours', async () => {
  const result = await follow(0, 1, (_params, send) => {
    send(CLIENT_NEWS.entries, { subscription: -1, entries: entries(7, 9), lastSeq: 9 });
    send(CLIENT_NEWS.lagged, { subscription: -1, cursor: 9 });
    send(CLIENT_NEWS.entries, { entries: entries(1, 1), lastSeq: 9 });
    return answered;
  });
  expect(result).toEqual({ asked: [0], seen: [1] });
});

test('a refused subscription is an error for the reader, after what came before it', async () => {
  const refused = follow(0, 9, (_params, send) => {
    send(CLIENT_NEWS.entries, { entries: entries(1, 2), lastSeq: 9 });
    throw new ConductorError('limit_reached', 'too many');
  });
  await expect(refused).rejects.toMatchObject({ code: 'limit_reached' });
});
