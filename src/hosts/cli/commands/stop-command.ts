/** `stop`: no new starts; waits for runs and shows them. `--now` ends them, `--keep-runs` leaves them to the next supervisor. */
import type { CommandDefinition } from '../command-definition.ts';
import { EXIT } from '../exit-codes.ts';
import { flagOf } from '../option-values.ts';
import { usageError } from '../usage-error.ts';

export const stopCommand: CommandDefinition = {
  name: 'stop',
  summary: 'stop the supervisor after its runs, at once, or without them',
  options: [
    { flags: '--now', description: 'end the runs; they begin again when a supervisor runs' },
    { flags: '--keep-runs', description: 'leave the runs alone; the next supervisor takes them over' },
  ],
  examples: ['conductor stop', 'conductor stop --keep-runs && conductor start'],
  run: async ({ context, options }) => {
    const now = flagOf(options, 'now');
    const keep = flagOf(options, 'keepRuns');
    if (now && keep) throw usageError('--now ends the runs and --keep-runs leaves them: give one');
    const stop = new AbortController();
    const release = context.io.onSignal('SIGINT', () => stop.abort());
    try {
      const { stopped, pid } = await context.local.stop(context.repo, {
        runs: now ? 'now' : keep ? 'keep' : 'drain',
        onProgress: (line) => context.report.note(line),
        signal: stop.signal,
      });
      if (stop.signal.aborted) {
        context.report.note('not waiting any more: it stops when its runs have ended');
        return EXIT.interrupted;
      }
      context.report.result({ stopped, pid }, () => [stopped ? `stopped: pid ${String(pid)}` : 'nothing was running']);
      return EXIT.done;
    } finally {
      release();
    }
  },
};
