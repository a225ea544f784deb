/** What is old enough for the archive, and how much evidence goes along. A supervisor moves it by itself, within the hour. */
import type { EpochMs } from '../../../machines/ids.ts';
import type { StoreReader } from '../../../persistence/store.ts';
import { retentionOutlook } from '../../../supervisor/retention-outlook.ts';
import { bytesText, countText, plural } from '../output/time-text.ts';
import { ok, type Check } from './doctor-check.ts';

const DAY_MS = 86_400_000;

export const retentionCheck = async (
  reader: StoreReader,
  { now, retainDays }: { readonly now: number; readonly retainDays: number },
): Promise<Check> => {
  const days = plural(retainDays, 'day');
  const { subjects, evidenceBytes, isCut } = await retentionOutlook(reader, (now - retainDays * DAY_MS) as EpochMs);
  if (subjects === 0) return ok('retention', `nothing was settled more than ${days} ago`);
  const noun = subjects === 1 ? 'objective or single task' : 'objectives or single tasks';
  const count = `${isCut ? 'more than ' : ''}${countText(subjects)} ${noun}`;
  return ok(
    'retention',
    `${count} settled more than ${days} ago, to be archived with up to ${bytesText(evidenceBytes)} of evidence`,
  );
};
