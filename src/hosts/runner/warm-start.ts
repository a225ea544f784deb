/**
 * The life of a runner before it has a run: it waits for its contract, and then becomes what one that was started for that run is
 * from the beginning.
 *
 * N1. An input that is not whole is none: whoever began to write it is gone.
 * N2. Nothing is read, opened or kept before the contract is there. Waiting costs no processor time.
 */
import { closeSync, openSync, readFileSync } from 'node:fs';
import { devNull } from 'node:os';
import { dirname, join } from 'node:path';
import { RUN_FILES, type Assignment } from '../../supervisor/runners/contract.ts';

/** Blocks until the input ends. @returns the path of the contract; null when nobody will send one. */
export const waitForContract = (): string | null => {
  const assignment = parse(readFileSync(0, 'utf8'));
  if (assignment === null) return null;
  const { contract, env } = assignment;
  const directory = dirname(contract);
  process.chdir(directory);
  reopen(0, devNull, 'r');
  for (const descriptor of [1, 2]) reopen(descriptor, join(directory, RUN_FILES.runnerLog), 'a');
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, env);
  return contract;
};

const parse = (text: string): Assignment | null => {
  try {
    const value = JSON.parse(text) as Partial<Assignment> | null;
    const isWhole = typeof value?.contract === 'string' && typeof value.env === 'object';
    return isWhole ? (value as Assignment) : null;
  } catch {
    return null; // N1.
  }
};

/** The system gives the lowest number that is free. @throws when it gave another one: then somebody else opens files here. */
const reopen = (descriptor: number, path: string, flags: string): void => {
  closeSync(descriptor);
  const opened = openSync(path, flags, 0o600);
  if (opened !== descriptor) throw new Error(`${path} was opened as ${String(opened)}, not as ${String(descriptor)}`);
};
