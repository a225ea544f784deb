/**
 * The supervisor's log: one JSON line an entry, rotated at 10 MiB, five files kept.
 *
 * Written synchronously: the last line before an end is the one that is wanted.
 */
import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { destination, pino } from 'pino';
import { projectHome } from '../../persistence/project-home.ts';
import { findProject } from '../../supervisor/workspaces/project-identity.ts';

/** Size at which a new file is begun, in bytes. */
const LOG_BYTES_MAX = 10 * 1_048_576;
const LOG_FILES = 5;
/** Entries between two looks at the size. */
const LOOK_EVERY = 64;

/** @returns writes one entry; an Error is written with its stack. @throws not_a_repository, repository_empty */
export async function openSupervisorLog(project: {
  readonly repo: string;
  readonly home: string;
}): Promise<(where: string, what: unknown) => void> {
  const { projectKey } = await findProject(project.repo);
  const { supervisorLog } = projectHome(project.home, projectKey);
  mkdirSync(dirname(supervisorLog), { recursive: true, mode: 0o700 });
  rotate(supervisorLog);
  const file = destination({ dest: supervisorLog, sync: true, mode: 0o600 });
  const logger = pino({ base: { pid: process.pid } }, file);
  let entries = 0;
  return (where, what) => {
    entries += 1;
    if (entries % LOOK_EVERY === 0 && rotate(supervisorLog)) file.reopen();
    if (what instanceof Error) logger.error({ where, err: what }, what.message);
    else logger.info({ where }, String(what));
  };
}

/** @returns whether the file was moved away. */
function rotate(path: string): boolean {
  if (!existsSync(path) || statSync(path).size < LOG_BYTES_MAX) return false;
  for (let index = LOG_FILES - 1; index >= 1; index -= 1) {
    const from = index === 1 ? path : `${path}.${String(index - 1)}`;
    if (existsSync(from)) renameSync(from, `${path}.${String(index)}`);
  }
  return true;
}
