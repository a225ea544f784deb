/**
 * The one place that calls `kill(2)`. What may be signalled is checked by the table before (T3 of `process-table.ts`);
 * here the last guard stands, which no identity can talk its way around.
 */
import type { ProcessSignal, SignalResult } from './process-table.ts';

/** Pid 1 ends the machine or the container; 0 and below address groups and everybody. */
const PID_MIN = 2;

export const sendSignal = (pid: number, signal: ProcessSignal): SignalResult =>
  isOrdinaryPid(pid) && pid !== process.pid ? kill(pid, signal) : 'denied';

/** @param ownGroup The group of this process, which is never signalled. */
export const sendGroupSignal = (pgid: number, ownGroup: number, signal: ProcessSignal): SignalResult =>
  isOrdinaryPid(pgid) && pgid !== ownGroup ? kill(-pgid, signal) : 'denied';

const isOrdinaryPid = (pid: number): boolean => Number.isSafeInteger(pid) && pid >= PID_MIN;

const kill = (target: number, signal: ProcessSignal): SignalResult => {
  try {
    process.kill(target, signal);
    return 'sent';
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ESRCH') return 'gone';
    if (code === 'EPERM') return 'denied';
    throw error;
  }
};
