/**
 * Shows a running objective until it rests: a picture on a terminal, lines elsewhere; and obeys Ctrl-C and a closed terminal.
 *
 * L1. The first Ctrl-C cancels in order and waits for the processes; the second kills at once.
 * L2. A closed terminal (SIGHUP) or SIGTERM detaches: work goes on.
 */
import { isConductorError } from '../../../machines/errors.ts';
import type { CommandContext } from '../command-definition.ts';
import type { ConductorPort } from '../conductor-port.ts';
import { EXIT } from '../exit-codes.ts';
import { entryLine } from './entry-lines.ts';
import { LiveScreen } from './live-screen.ts';
import { followObjective } from './objective-follower.ts';
import { exitCodeOfView, type ObjectiveView } from './objective-view.ts';
import { renderFrame } from './run-frame.ts';

export type LiveEnd = { readonly exitCode: number; readonly detached: boolean };

/** @throws ConductorError when no supervisor can be reached any more. */
export const showUntilRest = async (
  context: CommandContext,
  port: ConductorPort,
  view: ObjectiveView,
): Promise<LiveEnd> => {
  const { io, report } = context;
  const isLive = !report.json && io.stdout.isTerminal && io.env['TERM'] !== 'dumb';
  let notice: string | null = null;
  const screen = isLive
    ? new LiveScreen(io, (size) => renderFrame(view, { ...size, now: io.now(), style: report.style, notice }))
    : null;
  const tell = (text: string | null): void => {
    notice = text;
    if (screen !== null) screen.changed();
    else if (text !== null) report.note(text);
  };
  const hands = holdSignals(context, port, { view, tell });
  try {
    const end = await followObjective({
      io,
      view,
      port,
      signal: hands.detached,
      reopen: async () => {
        const opened = await context.openPort('start');
        hands.usePort(opened);
        return opened;
      },
      onNotice: tell,
      onEntry: (entry) => {
        const line = screen === null ? entryLine(view, entry) : null;
        if (line !== null) report.line(line);
        screen?.changed();
      },
    });
    if (hands.interrupts > 0) return { exitCode: EXIT.interrupted, detached: false };
    return end === 'rest'
      ? { exitCode: exitCodeOfView(view), detached: false }
      : { exitCode: EXIT.done, detached: true };
  } finally {
    hands.release();
    screen?.end(true);
  }
};

type Hands = {
  readonly interrupts: number;
  readonly detached: AbortSignal;
  usePort(port: ConductorPort): void;
  release(): void;
};

const holdSignals = (
  { io, report }: CommandContext,
  first: ConductorPort,
  { view, tell }: { readonly view: ObjectiveView; readonly tell: (text: string | null) => void },
): Hands => {
  const detach = new AbortController();
  let port = first;
  let interrupts = 0;
  const failed = (error: unknown): void => {
    report.note(`conductor: not canceled: ${isConductorError(error) ? error.message : String(error)}`);
  };
  const cancel = (): void => {
    port.call('conductor_cancel_objective', { objectiveId: view.objectiveId, reason: 'Ctrl-C' }).catch(failed);
  };
  const kill = async (): Promise<void> => {
    const { killAgents } = await import('./kill-now.ts');
    const runs = view.tasks.flatMap(({ context: { activeRunId } }) => activeRunId ?? []);
    await killAgents(port.facts().project.home, runs);
  };
  const release = [
    io.onSignal('SIGINT', () => {
      interrupts += 1;
      if (interrupts === 1) {
        tell('canceling, and waiting for the processes to end; Ctrl-C again kills them at once');
        cancel();
      } else if (interrupts === 2) {
        tell('killing');
        kill().catch(failed);
      } else detach.abort();
    }),
    io.onSignal('SIGHUP', () => detach.abort()),
    io.onSignal('SIGTERM', () => detach.abort()),
  ];
  return {
    get interrupts() {
      return interrupts;
    },
    detached: detach.signal,
    usePort: (next) => {
      port = next;
    },
    release: () => release.forEach((stop) => stop()),
  };
};
