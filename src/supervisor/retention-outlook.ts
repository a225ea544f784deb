/** How much is old enough to move to the archive, for people: looked at, not touched. */
import type { EpochMs } from '../machines/ids.ts';
import type { StoreReader } from '../persistence/store.ts';
import { artifactsOf } from './archive-records.ts';
import { oldSubjects } from './retention-jobs.ts';

/** Subjects that are looked at: a sum for people needs no more. */
const SUBJECTS_MAX = 500;

export type RetentionOutlook = {
  readonly subjects: number;
  /** Of their artifacts; what others name too stays. */
  readonly evidenceBytes: number;
  /** There are more than were looked at. */
  readonly isCut: boolean;
};

export async function retentionOutlook(reader: StoreReader, before: EpochMs): Promise<RetentionOutlook> {
  const sizes = new Map<string, number>();
  let subjects = 0;
  for await (const subject of oldSubjects(reader, before)) {
    if (subject === null) continue;
    if (subjects >= SUBJECTS_MAX) return { subjects, evidenceBytes: sum(sizes), isCut: true };
    subjects += 1;
    for (const { sha256, bytes } of await artifactsOf(reader, subject)) sizes.set(sha256, bytes);
  }
  return { subjects, evidenceBytes: sum(sizes), isCut: false };
}

const sum = (sizes: ReadonlyMap<string, number>): number => [...sizes.values()].reduce((all, bytes) => all + bytes, 0);
