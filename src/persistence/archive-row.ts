/**
 * What the store keeps of what was moved to a file of its own, and what it is told to let go: part of the port. What is moved at
 * once is a subject: an objective with all that belongs to it, or a task, worker or gate of no objective.
 *
 * M1. A move is one transaction: all rows go and the index row comes, or nothing happens.
 * M2. It goes through only when what the file was made of is still what the store holds: every actor has the revision that was
 *     read, no entry or artifact was added, and nothing waits for any of them (timer, effect, continuation).
 * M3. A blob goes with the last actor that uses it.
 */
import type { EpochMs } from '../machines/ids.ts';
import type { Owner, RelationRow } from './store.ts';

/** One archived subject. */
export type ArchiveRow = {
  readonly subjectId: string;
  /** Of an objective or task; what its kind is called for the others. */
  readonly title: string;
  /** The one it ended in. */
  readonly state: string;
  /** Name of the file in the project's archive. */
  readonly file: string;
  /** Bytes of the file, and SHA-256 of what it unpacks to. */
  readonly bytes: number;
  readonly sha256: string;
  readonly actors: number;
  readonly entries: number;
  readonly artifacts: number;
  /** Places of its first and its last entry in the journal; what lies between may belong to others. */
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly archivedAt: EpochMs;
};

export type ArchiveMove = {
  readonly owner: Owner;
  readonly row: ArchiveRow;
  /** Everything that goes, with the revision that the file holds. */
  readonly actors: readonly { readonly id: string; readonly revision: number }[];
  /** Ids of all artifact rows of these actors. */
  readonly artifacts: readonly string[];
  /** Edges that lead to them from actors that stay; edges that begin at them go by themselves. */
  readonly edges: readonly RelationRow[];
};
