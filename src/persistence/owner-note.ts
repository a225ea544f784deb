/**
 * What an owner says about itself beside its lock, for the message to whoever is refused. Never the lock: a note may be a dead
 * owner's for the moment in which the next one has the lock and has not written yet.
 */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { readJsonFile } from './whole-file.ts';

export type OwnerNote = {
  readonly pid: number;
  /** The project home it runs from. */
  readonly home: string;
  readonly projectKey: string;
  readonly epoch: number;
  readonly instance: string;
};

/** `stopped`: by SIGSTOP or a debugger; it keeps its lock and answers nobody. */
export type OwnerState = 'running' | 'stopped' | 'unknown';

export type OwnerDescription = {
  readonly pid: number | null;
  readonly home: string | null;
  readonly state: OwnerState;
  /** The two commands that help. */
  readonly commands: readonly [string, string];
};

/** How long a note of a dead owner is waited out. Writing one takes milliseconds. */
const NOTE_TRIES = 10;
const NOTE_WAIT_MS = 50;

export const describeOwner = async (path: string): Promise<OwnerDescription> => {
  for (let attempt = 1; attempt <= NOTE_TRIES; attempt += 1) {
    const note = await readNote(path);
    const letter = note === null ? null : await stateLetter(note.pid);
    if (note !== null && letter !== null && letter !== 'Z') return describe(note, letter);
    await wait(NOTE_WAIT_MS);
  }
  return { pid: null, home: null, state: 'unknown', commands: ['conductor doctor', 'conductor status'] };
};

const describe = ({ pid, home }: OwnerNote, letter: string): OwnerDescription => {
  const isStopped = letter === 'T' || letter === 't';
  // `<home>/projects/<key>`
  const conductorHome = home.replace(/\/projects\/[^/]+$/, '');
  return {
    pid,
    home,
    state: isStopped ? 'stopped' : 'running',
    commands: isStopped
      ? [`kill -CONT ${pid}`, `kill -KILL ${pid}`]
      : [`CONDUCTOR_HOME=${conductorHome} conductor status`, `CONDUCTOR_HOME=${conductorHome} conductor stop`],
  };
};

const readNote = async (path: string): Promise<OwnerNote | null> => {
  try {
    const note = (await readJsonFile(path)) as Partial<OwnerNote> | null;
    return typeof note?.pid === 'number' && typeof note.home === 'string' ? (note as OwnerNote) : null;
  } catch {
    // A note that cannot be read says as little as none.
    return null;
  }
};

/** The process state as one letter (ps(1)); null when there is no such process. */
const stateLetter = async (pid: number): Promise<string | null> => {
  try {
    if (process.platform === 'linux') {
      const stat = await readFile(`/proc/${pid}/stat`, 'latin1');
      return stat[stat.lastIndexOf(')') + 2] ?? null;
    }
    const { stdout } = await promisify(execFile)('ps', ['-o', 'state=', '-p', String(pid)]);
    return stdout.trim()[0] ?? null;
  } catch {
    // Gone, or not ours to see.
    return null;
  }
};
