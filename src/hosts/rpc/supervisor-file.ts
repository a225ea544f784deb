/**
 * `supervisor.json` in the home of a project: who the owner is and where it listens. Information for clients, never a lock.
 *
 * S1. A reader sees a whole file or none: it is written aside, synced, and renamed.
 * S2. It is removed only by the process it names, and only by that life of it.
 */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { sameIdentity } from '../../supervisor/processes/process-identity.ts';
import type { SupervisorFile, WireIdentity } from '../../supervisor/runners/protocol.ts';

const FILE_MODE = 0o600;
/** No file of ours is near this; a larger one is somebody else's. */
const BYTES_MAX = 65_536;

export const supervisorFilePath = (projectHome: string): string => join(projectHome, 'supervisor.json');

/** Written by the owner only, so one passing name per process is enough. */
export const writeSupervisorFile = (projectHome: string, file: SupervisorFile): void => {
  const path = supervisorFilePath(projectHome);
  const passing = `${path}.${String(process.pid)}`;
  const descriptor = openSync(passing, 'w', FILE_MODE);
  try {
    writeSync(descriptor, `${JSON.stringify(file, null, 2)}\n`);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(passing, path);
  syncDirectory(projectHome);
};

/** Null when there is none, or when what is there is not one (an unfinished copy, another version's). */
export const readSupervisorFile = (projectHome: string): SupervisorFile | null => {
  try {
    const text = readFileSync(supervisorFilePath(projectHome), 'utf8');
    return text.length > BYTES_MAX ? null : validated(JSON.parse(text));
  } catch {
    // Absent, unreadable or no JSON: for a client all of it means that nobody says where to connect.
    return null;
  }
};

/** @returns false when it names another process by now, and was left alone. */
export const removeSupervisorFile = (projectHome: string, identity: WireIdentity): boolean => {
  const file = readSupervisorFile(projectHome);
  if (file === null || !sameIdentity(file.identity, identity)) return false;
  unlinkSync(supervisorFilePath(projectHome));
  return true;
};

const syncDirectory = (directory: string): void => {
  const descriptor = openSync(directory, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
};

const texts = ['socket', 'version', 'home', 'repoRoot', 'projectKey'] as const;
const numbers = ['protocol', 'epoch', 'startedAt'] as const;

const validated = (value: unknown): SupervisorFile | null => {
  if (typeof value !== 'object' || value === null) return null;
  const file = value as Record<string, unknown>;
  const isWhole =
    texts.every((name) => typeof file[name] === 'string' && file[name] !== '') &&
    numbers.every((name) => Number.isSafeInteger(file[name])) &&
    isIdentity(file['identity']);
  return isWhole ? (file as unknown as SupervisorFile) : null;
};

const isIdentity = (value: unknown): boolean => {
  if (typeof value !== 'object' || value === null) return false;
  const { hostId, bootId, pid, startTicks } = value as Record<string, unknown>;
  const areTexts = [hostId, bootId, startTicks].every((part) => typeof part === 'string');
  return areTexts && Number.isSafeInteger(pid) && (pid as number) > 1;
};
