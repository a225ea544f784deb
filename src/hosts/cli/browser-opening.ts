/**
 * Hands a page in a file to the program that opens such on this machine.
 *
 * B1. Whether a browser shows it is not known: the caller prints what a person can do by hand.
 * B2. Arguments of programs are seen by every user of the machine: this one is a path.
 */
import { spawn } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import type { CliIo } from './cli-io.ts';

/** How long the opener may take before it counts as one that stays open beside its browser, in ms. */
const OPENER_MS = 3_000;

/** @returns false when there is no display, no such program, or it failed. */
export const openBrowser = async (file: string, env: CliIo['env'], platform = process.platform): Promise<boolean> => {
  const program = openerOn(platform, env);
  if (program === null) return false;
  const opened = Promise.withResolvers<boolean>();
  const child = spawn(program, [pathToFileURL(file).href], { stdio: 'ignore', detached: true });
  child.once('error', () => opened.resolve(false));
  child.once('exit', (code) => opened.resolve(code === 0));
  // Some openers become the browser: then they run on, and nobody waits for them.
  const timer = setTimeout(() => opened.resolve(true), OPENER_MS);
  try {
    return await opened.promise;
  } finally {
    clearTimeout(timer);
    child.unref();
  }
};

/** Null where no window can open. */
const openerOn = (platform: NodeJS.Platform, env: CliIo['env']): string | null => {
  if (platform === 'darwin') return env['SSH_CONNECTION'] ? null : 'open';
  return env['DISPLAY'] || env['WAYLAND_DISPLAY'] ? 'xdg-open' : null;
};
