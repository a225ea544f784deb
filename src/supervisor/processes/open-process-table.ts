/** Picks the process table of this system. */
import { ConductorError } from '../../machines/errors.ts';
import { createDarwinProcessTable } from './darwin-process-table.ts';
import { createLinuxProcessTable } from './linux-process-table.ts';
import type { ProcessTable } from './process-table.ts';

export type ProcessTableOptions = {
  readonly platform?: NodeJS.Platform;
  /** When it is known already: finding it out costs 5 ms. */
  readonly hostId?: string | undefined;
};

/** @throws internal on anything but Linux and macOS. */
export const openProcessTable = (options: ProcessTableOptions = {}): ProcessTable => {
  const { platform = process.platform, hostId } = options;
  if (platform === 'linux') return createLinuxProcessTable('/proc', hostId);
  if (platform === 'darwin') return createDarwinProcessTable(undefined, hostId);
  throw new ConductorError('internal', `Conductor runs on Linux and macOS, not on ${platform}; on Windows use WSL`, {
    details: { platform },
  });
};
