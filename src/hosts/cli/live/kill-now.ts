/**
 * The second Ctrl-C: kills the agents of an objective's living runs, without waiting for their graceful end.
 *
 * K1. A process group is signalled only while its recorded first member is proven to be the one that was recorded.
 * K2. The runners live on: they see their agents end, write down how, and the ends take their usual way.
 */
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { openProcessTable } from '../../../supervisor/processes/open-process-table.ts';
import type { AgentRecord } from '../../../supervisor/runners/protocol.ts';

/** @returns how many groups were signalled. */
export const killAgents = async (projectHome: string, runIds: readonly string[]): Promise<number> => {
  const table = openProcessTable();
  let killed = 0;
  for (const runId of runIds) {
    for (const record of await agentRecords(join(projectHome, 'runs', runId))) {
      if (table.signalGroup(record.pgid, record.agent, 'SIGKILL') === 'sent') killed += 1;
    }
  }
  return killed;
};

const agentRecords = async (directory: string): Promise<readonly AgentRecord[]> => {
  // A run that never started has no directory.
  const names = await readdir(directory).catch(() => []);
  const records = await Promise.all(
    names.filter((name) => /^\d+\.agent$/.test(name)).map((name) => readRecord(join(directory, name))),
  );
  return records.filter((record) => record !== null);
};

const readRecord = async (path: string): Promise<AgentRecord | null> => {
  try {
    const record = JSON.parse(await readFile(path, 'utf8')) as Partial<AgentRecord>;
    return typeof record.pgid === 'number' && record.agent !== undefined ? (record as AgentRecord) : null;
  } catch {
    // Not readable: nobody is proven to be ours (K1).
    return null;
  }
};
