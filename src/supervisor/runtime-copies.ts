/**
 * The copies of the programs in a home: who uses them, and the end of those that nobody uses.
 *
 *     <home>/runtime/<version>-<hash>           a copy, made by hosts/rpc/runtime-copy.ts
 *                    <version>-<hash>.unused    at the last look nobody used it; whoever is about to takes this note away
 *                    <version>-<hash>.going     it is being removed: the name is nobody's any more
 *                    <version>-<hash>.<8 hex>   one that is being made, or on its way out
 *                    users/<8 hex>.json         who may start programs of a copy without running from it
 *
 * V1. A copy is used while a living process names it in its command line (runners outlive their supervisor by days), or while a
 *     note of a living process holds it. Whom we cannot judge, of another host or of another world of processes, is believed.
 * V2. It goes when it was unused at two looks, `UNUSED_MS` apart, and nobody took the note away between them. Claiming the note and
 *     taking it away are one system call each: one of both succeeds.
 * V3. A removal that was cut short is finished by the next look; until then the name is not used.
 */
import { randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Liveness, ProcessIdentity } from './processes/process-identity.ts';

/** Between two looks, in ms: longer than any program takes from finding a copy to running from it. */
export const UNUSED_MS = 86_400_000;

const USERS = 'users';
const COPY = /^.+-[0-9a-f]{12}(?:-\d+)?$/;
/** What a maker or remover that died has left. */
const PASSING = /^.+-[0-9a-f]{12}(?:-\d+)?\.[0-9a-f]{8}(?:\.damaged)?$/;

/**
 * Says that somebody is about to run from this copy.
 * @param copy Its path, whether or not it is there.
 * @returns false when it is being removed: another name has to be taken.
 */
export const takeCopy = (copy: string): boolean => {
  rmSync(`${copy}.unused`, { force: true });
  return !existsSync(`${copy}.going`);
};

/** Holds a copy for as long as a process lives that may start programs from it. What is no copy of this home needs no holding. */
export const holdCopy = (runtime: string, directory: string, holder: ProcessIdentity): void => {
  if (dirname(directory) !== runtime) return;
  const users = join(runtime, USERS);
  mkdirSync(users, { recursive: true, mode: 0o700 });
  const note = join(users, `${randomBytes(4).toString('hex')}.json`);
  writeFileSync(note, `${JSON.stringify({ copy: basename(directory), holder })}\n`, { mode: 0o600 });
  takeCopy(directory);
};

export type CopyLook = {
  /** `<home>/runtime`. */
  readonly runtime: string;
  readonly now: number;
  /** When this machine was started, in ms since the epoch. */
  readonly bootedAt: number;
  readonly commandLines: () => readonly string[];
  readonly table: { readonly bootId: string; liveness(id: ProcessIdentity): Liveness };
};

/** V1 to V3. @returns the names of the copies that went. */
export const removeUnusedCopies = (look: CopyLook): readonly string[] => {
  const { runtime } = look;
  if (!existsSync(runtime)) return [];
  const names = readdirSync(runtime);
  const held = holders(look);
  const lines = look.commandLines();
  const isUsed = (name: string): boolean => held.has(name) || lines.some((line) => line.includes(`/runtime/${name}/`));
  for (const name of names) {
    const path = join(runtime, name);
    // Whoever makes one does not take a day.
    if (PASSING.test(name) && ageOf(path, look.now) > UNUSED_MS) rmSync(path, { recursive: true, force: true });
    // The note of a copy that is gone.
    const [copy = '', note] = name.split(/\.(unused|going)$/);
    if (note !== undefined && !existsSync(join(runtime, copy))) rmSync(path, { force: true });
  }
  return names.filter((name) => COPY.test(name) && isGone(join(runtime, name), isUsed(name), look.now));
};

/** One look at one copy. @returns whether it is gone now. */
const isGone = (path: string, isUsed: boolean, now: number): boolean => {
  const [unused, going] = [`${path}.unused`, `${path}.going`];
  if (isUsed) {
    rmSync(unused, { force: true });
    return false;
  }
  if (!existsSync(going)) {
    if (!existsSync(unused)) {
      writeFileSync(unused, '', { mode: 0o600 });
      utimesSync(unused, new Date(now), new Date(now));
    }
    if (ageOf(unused, now) <= UNUSED_MS || !isClaimed(unused, going)) return false;
  }
  const passing = `${path}.${randomBytes(4).toString('hex')}`;
  renameSync(path, passing);
  rmSync(passing, { recursive: true, force: true });
  rmSync(going, { force: true });
  return true;
};

const isClaimed = (unused: string, going: string): boolean => {
  try {
    renameSync(unused, going);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
};

/** Names of the copies that somebody holds; notes of whoever has ended are taken away. */
const holders = ({ runtime, now, bootedAt, table }: CopyLook): ReadonlySet<string> => {
  const users = join(runtime, USERS);
  const held = new Set<string>();
  for (const name of existsSync(users) ? readdirSync(users) : []) {
    const path = join(users, name);
    const note = readNote(path);
    if (note === null) {
      if (ageOf(path, now) > UNUSED_MS) rmSync(path, { force: true });
      continue;
    }
    // Another boot has ended, but for one that began after this machine did: another world of processes on it.
    const isElsewhere = note.holder.bootId !== table.bootId && now - ageOf(path, now) > bootedAt;
    const liveness = table.liveness(note.holder);
    if (isElsewhere || liveness === 'alive' || liveness === 'foreign') held.add(note.copy);
    else rmSync(path, { force: true });
  }
  return held;
};

/** null: torn. */
const readNote = (path: string): { readonly copy: string; readonly holder: ProcessIdentity } | null => {
  try {
    const { copy, holder } = JSON.parse(readFileSync(path, 'utf8')) as { copy?: string; holder?: ProcessIdentity };
    return copy === undefined || holder === undefined ? null : { copy, holder };
  } catch {
    return null;
  }
};

/** ms since it was written; 0 when it is not there. */
const ageOf = (path: string, now: number): number => {
  const found = statSync(path, { throwIfNoEntry: false });
  return found === undefined ? 0 : now - found.mtimeMs;
};
