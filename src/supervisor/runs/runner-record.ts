/**
 * `<epoch>.runner`: who has an epoch, for a supervisor that was not there when it was given. A warm runner has no cookie of its run in
 * its environment, and until its agent starts no other record names it.
 *
 * Written for who was started for the epoch, and again for who is granted it, before that one hears of it. A loss of power ends the
 * runner too, so it is not synced.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { ProcessIdentity } from '../processes/process-identity.ts';

export const writeRunnerRecord = (path: string, runner: ProcessIdentity): void => {
  const text = `${JSON.stringify(runner)}\n`;
  if (existsSync(path) && readFileSync(path, 'utf8') === text) return;
  const draft = `${path}.new`;
  writeFileSync(draft, text, { mode: 0o600 });
  renameSync(draft, path);
};

/** @returns null for one that is missing or torn: it says nothing, and the caller goes by what else there is. */
export const readRunnerRecord = (path: string): ProcessIdentity | null => {
  try {
    const { hostId, bootId, pid, startTicks } = JSON.parse(readFileSync(path, 'utf8')) as Partial<ProcessIdentity>;
    const isWhole = typeof pid === 'number' && [hostId, bootId, startTicks].every((part) => typeof part === 'string');
    return isWhole ? ({ hostId, bootId, pid, startTicks } as ProcessIdentity) : null;
  } catch {
    return null;
  }
};
