/** Owns a project inside the calling process: lock, store, socket and runs as in any supervisor. */
import { inspectorService } from '../hosts/inspector/inspector-child.ts';
import { copyRuntime } from '../hosts/rpc/runtime-copy.ts';
import type { ServeHere } from '../hosts/rpc/embedding.ts';
import { ownPackage, programsFolder } from '../hosts/rpc/own-package.ts';
import { openSupervisorLog } from '../hosts/rpc/supervisor-log.ts';
import { serveSupervisor } from '../hosts/rpc/supervisor-process.ts';
import { readSupervisorSettings } from '../hosts/rpc/supervisor-settings.ts';

export const serveHere: ServeHere = async ({ repo, home, inspector }) => {
  const { version } = ownPackage();
  const log = await openSupervisorLog({ repo, home });
  const settings = await readSupervisorSettings(process.env);
  const served = await serveSupervisor({
    repo,
    home,
    version,
    environment: process.env,
    // Runners outlive this process, and the package that it was loaded from.
    programs: { node: process.execPath, directory: copyRuntime({ home, programs: programsFolder(), version }) },
    settings: async () => settings,
    hosts: (shown) => (inspector ? [inspectorService(shown)] : []),
    idleExitMs: 0,
    log: ({ where, text }) => log(where, text),
    onFatal: (reason) => {
      log('end', reason);
      // Not an exception that somebody could catch: another write would be the second owner's damage.
      process.stderr.write(`conductor: ${reason}; this process ends, its runs work on\n`);
      process.exit(1);
    },
    onStopped: () => log('end', 'stopped'),
  });
  return { stop: (mode) => served.stop(mode) };
};
