/** Picks the process table of this system. */
import { ConductorError } from '../../machines/errors.ts';
import { createDarwinProcessTable } from './darwin-process-table.ts';
import { createLinuxProcessTable } from './linux-process-table.ts';
import type { ProcessTable } from './process-table.ts';

/** @throws internal on anything but Linux and macOS. */
export const openProcessTable = (platform: NodeJS.Platform = process.platform): ProcessTable => {
  if (platform === 'linux') return createLinuxProcessTable();
  if (platform === 'darwin') return createDarwinProcessTable();
  throw new ConductorError('internal', `Conductor runs on Linux and macOS, not on ${platform}; on Windows use WSL`, {
    details: { platform },
  });
};
