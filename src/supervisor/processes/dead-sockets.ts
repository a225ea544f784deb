/**
 * Sockets that nobody listens at: what a process leaves behind when it is killed.
 *
 * D1. A socket is dead only when it refuses a connection, and only after DEAD_AFTER_MS: between its name and its first
 *     listener lies a moment in which a living one refuses too.
 */
import { lstatSync, readdirSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';

/** Far more than any process takes from binding to listening. */
const DEAD_AFTER_MS = 60_000;

/** @param now ms since 1970. @returns paths, in the order of their names. */
export const listDeadSockets = async (directory: string, now: number): Promise<readonly string[]> => {
  const dead: string[] = [];
  for (const name of readdirSync(directory).toSorted()) {
    const path = join(directory, name);
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats?.isSocket() !== true || now - stats.mtimeMs < DEAD_AFTER_MS) continue;
    if (await isDeaf(path)) dead.push(path);
  }
  return dead;
};

/** Whether no process listens there. */
export const isDeaf = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = createConnection(path);
    const answer = (deaf: boolean): void => {
      socket.destroy();
      resolve(deaf);
    };
    socket.once('connect', () => answer(false));
    socket.once('error', ({ code }: NodeJS.ErrnoException) => answer(code === 'ECONNREFUSED'));
  });
