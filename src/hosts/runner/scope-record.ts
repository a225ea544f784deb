/**
 * `<epoch>.scope`: the path of the cgroup that a runner was started in, for whoever takes the census after it.
 *
 * B1. It is written before the first program is started, so that what escapes everything else is found in it.
 */
import { ownScopePath } from '../../supervisor/processes/cgroup-scope.ts';
import { RUN_FILES, type RunnerContract } from '../../supervisor/runners/contract.ts';
import { syncDirectory, writeFully, type FilePort } from './file-port.ts';

/**
 * Does nothing where the runner has no cgroup of its own.
 *
 * @param unit The name that it would have. @throws what the file system says; nothing may be started then.
 */
export const recordScope = (
  { epoch, runDirectory }: Pick<RunnerContract, 'epoch' | 'runDirectory'>,
  unit: string,
  files: FilePort,
): void => {
  const scope = ownScopePath(unit);
  if (scope === null) return;
  const path = `${runDirectory}/${RUN_FILES.scope(epoch)}`;
  const draft = `${path}.new`;
  const fd = files.openSync(draft, 'w', 0o600);
  try {
    writeFully(files, fd, { bytes: Buffer.from(`${scope}\n`), offset: 0 });
    files.fsyncSync(fd);
  } finally {
    files.closeSync(fd);
  }
  files.renameSync(draft, path);
  syncDirectory(files, runDirectory);
};
