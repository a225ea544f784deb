/**
 * Refuses to take over runs whose runners speak a protocol that this version does not know, before anything is changed.
 *
 * Who lives is asked of the process table and not of the store: a store of the newer version could not be read either.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConductorError } from '../../machines/errors.ts';
import type { ProjectHome } from '../../persistence/project-home.ts';
import type { ProcessTable } from '../processes/process-table.ts';
import { RUN_FILES } from '../runners/contract.ts';
import { PROTOCOL } from '../runners/protocol.ts';

type NewerRunner = { readonly runId: string; readonly version: string; readonly protocol: number };

/** Runs named in the error. */
const NAMED_MAX = 10;

/** @throws ConductorError `runners_too_new` with the versions and the way out. */
export function refuseNewerRunners(
  table: ProcessTable,
  { paths, version }: { readonly paths: ProjectHome; /** Of this supervisor. */ readonly version: string },
): void {
  const cookies = new Set(table.list().map(({ identity }) => table.cookieOf(identity)));
  const newer = [...cookies].flatMap((cookie): readonly NewerRunner[] => {
    const [key, runId = '', epoch = ''] = (cookie ?? '').split('/');
    const warm = /^warm-(.+)$/.exec(runId);
    if (key === paths.key && warm !== null && Number(epoch) > PROTOCOL) {
      return [{ runId: 'still unknown', version: warm[1]!, protocol: Number(epoch) }];
    }
    if (key !== paths.key || !/^run-[0-9a-z]{20}$/.test(runId) || !/^\d+$/.test(epoch)) return [];
    const contract = readContract(join(paths.runDirectory(runId), RUN_FILES.contract(Number(epoch))));
    return contract !== null && contract.protocol > PROTOCOL ? [{ runId, ...contract }] : [];
  });
  const [first] = newer.toSorted((a, b) => b.protocol - a.protocol);
  if (first === undefined) return;
  const runs = newer.length === 1 ? 'A run is' : `${String(newer.length)} runs are`;
  throw new ConductorError(
    'runners_too_new',
    `${runs} carried out by conductor ${first.version} (protocol ${String(first.protocol)}); this is ${version} (protocol ${String(PROTOCOL)}). ` +
      `Nothing was changed and the work goes on: use conductor ${first.version}, or wait until they have ended.`,
    { details: { version, protocol: PROTOCOL, needed: first.version, runs: newer.slice(0, NAMED_MAX) } },
  );
}

/** @returns null for one that is gone or torn: then there is no version to compare. */
function readContract(path: string): { readonly protocol: number; readonly version: string } | null {
  try {
    const { protocol, version } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
    return typeof protocol === 'number' && typeof version === 'string' ? { protocol, version } : null;
  } catch {
    return null;
  }
}
