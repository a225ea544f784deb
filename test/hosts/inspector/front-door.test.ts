/**
 * Goal: whoever does not ask properly is told so, and whoever has asked nothing is told nothing, for a browser would take it for an answer.
 * Method: raw sockets that say nothing, half a request, or nonsense, to a door that looks often.
 */
import { connect } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { openFrontDoor, type FrontDoor } from '../../../src/hosts/inspector/front-door.ts';

let door: FrontDoor;
afterEach(() => door.close());

const openDoor = async (): Promise<void> => {
  door = await openFrontDoor({
    port: 0,
    behind: () => Promise.reject(new Error('nobody was let in')),
    log: () => undefined,
    onFail: () => undefined,
    headersMs: 40,
    lookMs: 20,
  });
};

/** What a client hears that says this and waits. */
const heardBy = (said: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(door.port, '127.0.0.1');
    let heard = '';
    socket.on('data', (chunk: Buffer) => (heard += chunk.toString()));
    socket.once('close', () => resolve(heard));
    socket.once('error', reject);
    if (said !== '') socket.write(said);
  });

test('D4: whoever connects and says nothing is let go without a word', async () => {
  await openDoor();
  expect(await heardBy('')).toBe('');
});

test.each([
  ['half a request', 'GET / HTTP/1.1\r\nHost: 127', 408],
  ['nonsense', 'to whom it may concern\r\n\r\n', 400],
  ['headers without end', `GET / HTTP/1.1\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
])('D3: %s is answered, with the security headers', async (_, said, status) => {
  await openDoor();
  const heard = await heardBy(said);
  expect(heard.startsWith(`HTTP/1.1 ${String(status)} `)).toBe(true);
  expect(heard.toLowerCase()).toContain('content-security-policy:');
});
