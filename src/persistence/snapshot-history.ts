/** What can be asked about the past, and how it is rebuilt: the newest full copy at or before a place, then every patch after it. */
import { ConductorError } from '../machines/errors.ts';
import { patchOwned } from './merge-patch.ts';
import type { JournalEntry, PersistedSnapshot } from './store.ts';

type Patch = JournalEntry['patch'];

/** What an actor was after some entry of the journal. */
export type ActorMoment = {
  readonly snapshot: PersistedSnapshot;
  /** Its newest entry that changed it, and when that was. */
  readonly seq: number;
  readonly at: JournalEntry['at'];
  /** Of the machine that wrote it. */
  readonly version: string;
};

/** Time travel: part of `StoreReader`. */
export interface HistoryReader {
  /** The snapshot an actor had right after `seq`, by keyframe and patches; null before its creation. */
  snapshotAt(actor: string, seq: number): Promise<PersistedSnapshot | null>;
  /** The same for many, 1 to 1000 and at one moment, with the entry that made each; who was not there yet is absent. */
  momentsAt(actors: readonly string[], seq: number): Promise<ReadonlyMap<string, ActorMoment>>;
  /** The newest entry of each at or before `seq`, also one that changed nothing; 1 to 1000. Much less to read than what they were. */
  lastEntriesAt(actors: readonly string[], seq: number): Promise<ReadonlyMap<string, number>>;
}

/** @param newestFirst Entries of one actor at or before the moment, newest first. @throws as `rebuildSnapshot` does. */
export const rebuildMoment = (
  newestFirst: Iterable<Pick<JournalEntry, 'seq' | 'at' | 'version' | 'patch'>>,
  readBlob: (hash: string) => Uint8Array | null,
): ActorMoment | null => {
  const newest: Omit<ActorMoment, 'snapshot'>[] = [];
  const patches = function* (): Generator<Patch> {
    for (const { seq, at, version, patch } of newestFirst) {
      if (patch !== null && newest.length === 0) newest.push({ seq, at, version });
      yield patch;
    }
  };
  const snapshot = rebuildSnapshot(patches(), readBlob);
  return snapshot === null ? null : { snapshot, ...newest[0]! };
};

/**
 * @param newestFirst Patches of one actor, newest first; reading stops at the first full copy. Both are used up.
 * @param readBlob Bytes of a full copy that was too large for the journal; null when they are missing.
 * @throws ConductorError `store_damaged` when patches lead to no full copy, or the copy's bytes are missing.
 */
export const rebuildSnapshot = (
  newestFirst: Iterable<Patch>,
  readBlob: (hash: string) => Uint8Array | null,
): PersistedSnapshot | null => {
  const merges: unknown[] = [];
  for (const patch of newestFirst) {
    if (patch === null) continue;
    if ('merge' in patch) {
      merges.push(patch.merge);
      continue;
    }
    const full = 'keyframe' in patch ? patch.keyframe : parseBlob(patch.blob, readBlob(patch.blob));
    return merges.reduceRight<PersistedSnapshot>((snapshot, merge) => patchOwned(snapshot, merge), full);
  }
  if (merges.length === 0) return null;
  throw new ConductorError('store_damaged', `${merges.length} patches of the journal have no full copy to begin from.`);
};

const parseBlob = (hash: string, data: Uint8Array | null): PersistedSnapshot => {
  if (data === null) throw new ConductorError('store_damaged', `The journal names blob ${hash}, which is not there.`);
  return JSON.parse(new TextDecoder().decode(data)) as PersistedSnapshot;
};
