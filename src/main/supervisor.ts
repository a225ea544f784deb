/** The program of a supervisor process; `conductor start` and every command that needs one start it. */
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readStartArguments, reportFailure, reportReady, settleAsDaemon } from '../hosts/rpc/daemon-process.ts';
import { ownPackage } from '../hosts/rpc/own-package.ts';
import { openSupervisorLog } from '../hosts/rpc/supervisor-log.ts';
import { serveSupervisor } from '../hosts/rpc/supervisor-process.ts';
import { readSupervisorSettings } from '../hosts/rpc/supervisor-settings.ts';
import { startMemoryRest, SUPERVISOR_PACE } from '../supervisor/processes/memory-rest.ts';

const request = readStartArguments(process.argv.slice(2));
// Until the log is open, whoever started it has put standard error into the same file.
let log: (where: string, what: unknown) => void = (where, what) => console.error(where, what);
const end = (code: number) => (reason: unknown) => {
  log('end', reason);
  process.exit(code);
};
process.on('uncaughtException', end(1));
process.on('unhandledRejection', end(1));
/** Without an `await` outside of it, so that the bundle can be CommonJS. */
const main = async (): Promise<void> => {
  const warning = settleAsDaemon(request.home);
  log = await openSupervisorLog(request);
  if (warning !== null) log('start', warning);
  const settings = await readSupervisorSettings(process.env);
  // Only who serves pages loads what that takes.
  const inspector = request.inspector ? await import('../hosts/inspector/inspector-child.ts') : null;
  const served = await serveSupervisor({
    repo: request.repo,
    home: request.home,
    version: ownPackage().version,
    environment: process.env,
    programs: { node: process.execPath, directory: dirname(fileURLToPath(import.meta.url)) },
    settings: async () => settings,
    hosts: (shown) => (inspector === null ? [] : [inspector.inspectorService(shown)]),
    idleExitMs: request.stay ? 0 : settings.idleExitMs,
    log: ({ where, text }) => log(where, text),
    onFatal: end(1),
    onStopped: () => end(0)('stopped'),
  });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => void served.stop('keep').then(() => end(0)(signal)));
  }
  log('start', `listening at ${served.socket}`);
  reportReady(request.readyFd, served.socket);
  startMemoryRest(SUPERVISOR_PACE);
};
void main().catch((error: unknown) => {
  reportFailure(request.readyFd, error);
  end(1)(error);
});
