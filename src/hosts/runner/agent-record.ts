/**
 * `<epoch>.agent`: the line between «certainly never ran» and «may have run».
 *
 * A1. It appears under its name whole and synced, by link(2), or not at all.
 * A2. Whoever finds it there already starts nothing: another runner of this epoch was faster, or is long gone.
 */
import { RUN_FILES } from '../../supervisor/runners/contract.ts';
import type { AgentRecord } from '../../supervisor/runners/protocol.ts';
import { syncDirectory, writeFully, type FilePort } from './file-port.ts';

/** @returns false when the record exists. @throws what the file system says; nothing may be started then. */
export const createAgentRecord = (directory: string, record: AgentRecord, files: FilePort): boolean => {
  const path = `${directory}/${RUN_FILES.agent(record.epoch)}`;
  const draft = `${path}.${record.instance}`;
  const fd = files.openSync(draft, 'wx', 0o600);
  try {
    writeFully(files, fd, { bytes: Buffer.from(`${JSON.stringify(record)}\n`), offset: 0 });
    files.fsyncSync(fd);
    files.linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    files.closeSync(fd);
    files.unlinkSync(draft);
  }
  syncDirectory(files, directory);
  return true;
};
