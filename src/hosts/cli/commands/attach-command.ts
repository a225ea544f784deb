/**
 * `attach`: the terminal of a run, through its runner's own socket. Ctrl-] leaves; the run does not notice.
 *
 * T1. What is typed reaches the run only with `--write`, and only then does this terminal's size count.
 * T2. The terminal is put back as it was, whatever ends the watching.
 */
import { createConnection, type Socket } from 'node:net';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConductorError } from '../../../machines/errors.ts';
import type { RunItem } from '../../../operations/read-models/item-schemas.ts';
import { RUN_FILES, type RunnerContract } from '../../../supervisor/runners/contract.ts';
import {
  CHILD_CALLS,
  CLIENT_FRAME_BYTES_MAX,
  VIEWER_NEWS,
  type Attach,
  type AttachAnswer,
  type ViewerEnded,
  type ViewerOutput,
} from '../../../supervisor/runners/protocol.ts';
import { RpcPeer } from '../../../supervisor/runners/rpc-peer.ts';
import { viewerTicket } from '../../../supervisor/runners/token.ts';
import type { CommandContext, CommandDefinition } from '../command-definition.ts';
import { EXIT } from '../exit-codes.ts';
import { resolvePrefix } from '../operation-calls.ts';
import { flagOf } from '../option-values.ts';
import { TerminalFilter } from '../output/terminal-filter.ts';
import { usageError } from '../usage-error.ts';

const DETACH_KEY = 0x1d;
const INTERRUPT_KEY = 0x03;
/** Bytes of one message; a frame to a runner holds 64 KiB and base64 takes a third. */
const INPUT_BYTES_MAX = 16_384;
/** How long a runner may take to answer, in ms. */
const ANSWER_MS = 10_000;
/** Leaves the other screen, shows the cursor, ends colours, mouse reports and bracketed paste. */
const PUT_BACK =
  '\u001b[?1049l\u001b[?25h\u001b[0m\u001b[?1000l\u001b[?1002l\u001b[?1003l\u001b[?1006l\u001b[?2004l\r\n';

export const attachCommand: CommandDefinition = {
  name: 'attach',
  summary: 'watch the terminal of a run, or type into it',
  arguments: [
    { name: '<run>', description: 'a run or a task: an id, or enough of its beginning', completes: ['run', 'task'] },
  ],
  options: [{ flags: '--write', description: 'what is typed here reaches the run' }],
  notes: 'Ctrl-] leaves. The last 64 KiB come first.',
  examples: ['conductor attach run-01kb2', 'conductor attach --write task-01kb2'],
  run: async ({ context, args, options }) => {
    const writes = flagOf(options, 'write');
    if (writes && !context.io.stdin.isTerminal) throw usageError('--write needs a terminal to type at');
    const contract = await contractOf(context, args[0] ?? '');
    const socket = await connectTo(contract);
    return watch(context, { socket, contract, writes });
  },
};

const contractOf = async (context: CommandContext, prefix: string): Promise<RunnerContract> => {
  const port = await context.openPort('read');
  const found = await resolvePrefix(port, prefix);
  const run = runIn(found.shown);
  if (run === null)
    throw new ConductorError('not_found', `${found.id} has no run that is going on`, { details: { id: found.id } });
  if (run.endedAt !== null) {
    throw new ConductorError('run_final', `${run.runId} has ended (${run.status}): conductor logs ${run.runId}`, {
      details: { runId: run.runId, status: run.status },
    });
  }
  const path = join(port.facts().project.home, 'runs', run.runId, RUN_FILES.contract(run.epoch));
  try {
    return JSON.parse(await readFile(path, 'utf8')) as RunnerContract;
  } catch (cause) {
    throw new ConductorError('invalid_state', `${run.runId} is ${run.status} and has no runner yet: try again`, {
      retryable: true,
      details: { runId: run.runId, status: run.status },
      cause,
    });
  }
};

const runIn = (shown: Awaited<ReturnType<typeof resolvePrefix>>['shown']): RunItem | null => {
  if (shown.kind === 'run') return shown.item;
  if (shown.kind !== 'task') return null;
  return shown.runs?.find(({ runId }) => runId === shown.item.runId) ?? null;
};

const connectTo = ({ socketPath, runId }: RunnerContract): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = createConnection(socketPath);
    socket.once('connect', () => resolve(socket));
    socket.once('error', (cause) => {
      const text = `the runner of ${runId} does not answer; conductor show ${runId} says how it stands`;
      reject(new ConductorError('supervisor_away', text, { retryable: true, details: { runId }, cause }));
    });
  });

type Watching = { readonly socket: Socket; readonly contract: RunnerContract; readonly writes: boolean };

const watch = async (context: CommandContext, { socket, contract, writes }: Watching): Promise<number> => {
  const { io, report } = context;
  const over = Promise.withResolvers<string>();
  const show = outputFor(context);
  const peer = new RpcPeer(socket, {
    frameBytesMax: CLIENT_FRAME_BYTES_MAX,
    methods: {
      [VIEWER_NEWS.output]: (params) => {
        show.print(Buffer.from((params as ViewerOutput).data, 'base64'));
        return null;
      },
      [VIEWER_NEWS.resized]: () => null,
      [VIEWER_NEWS.ended]: (params) => {
        over.resolve((params as ViewerEnded).reason);
        return null;
      },
    },
    onClose: () => over.resolve('runner_gone'),
  });
  const { columns: cols, rows } = io.stdout;
  const request: Attach = { ticket: viewerTicket(contract.token), ...(writes ? { write: true, cols, rows } : {}) };
  const answer = (await peer.call(CHILD_CALLS.attach, request, ANSWER_MS)) as AttachAnswer;
  if (writes && !answer.writable) report.note(`${contract.runId} takes no input (${answer.mode}); watching`);
  else if (io.stdin.isTerminal) report.note(`attached to ${contract.runId}; Ctrl-] leaves`);
  show.begin(answer);
  const release = takeTerminal(context, peer, { writes: answer.writable, leave: () => over.resolve('detached') });
  try {
    const reason = await over.promise;
    show.end();
    return farewell(context, contract.runId, reason);
  } finally {
    release();
    peer.end();
  }
};

/** A terminal's bytes as they are; of a run without one only text and colours reach a terminal. */
const outputFor = ({ io }: CommandContext) => {
  const filter = new TerminalFilter();
  let isTerminalRun = false;
  const print = (bytes: Buffer): void => {
    io.stdout.write(isTerminalRun || !io.stdout.isTerminal ? bytes : filter.push(bytes));
  };
  return {
    begin: ({ mode, tail }: AttachAnswer): void => {
      isTerminalRun = mode === 'pty';
      print(Buffer.from(tail, 'base64'));
    },
    print,
    end: (): void => {
      if (isTerminalRun && io.stdout.isTerminal) io.stdout.write(PUT_BACK);
    },
  };
};

/** T2. @returns gives the terminal back. */
const takeTerminal = (
  { io }: CommandContext,
  peer: RpcPeer,
  { writes, leave }: { readonly writes: boolean; readonly leave: () => void },
): (() => void) => {
  const releases = [io.onSignal('SIGINT', leave), io.onSignal('SIGTERM', leave), io.onSignal('SIGHUP', leave)];
  if (io.stdin.isTerminal) {
    releases.push(
      io.stdin.readKeys((bytes) => {
        const cut = bytes.indexOf(DETACH_KEY);
        const typed = cut < 0 ? bytes : bytes.subarray(0, cut);
        if (writes) send(peer, typed);
        if (cut >= 0 || (!writes && bytes.includes(INTERRUPT_KEY))) leave();
      }),
    );
  }
  if (writes) {
    const resize = (): void => {
      const { columns: cols, rows } = io.stdout;
      // A size that is refused changes nothing; the run goes on with the one it has.
      peer.call(CHILD_CALLS.resize, { cols, rows }, ANSWER_MS).catch(() => {});
    };
    releases.push(io.stdout.onResize(resize));
  }
  return () => releases.forEach((release) => release());
};

const send = (peer: RpcPeer, bytes: Uint8Array): void => {
  for (let start = 0; start < bytes.length; start += INPUT_BYTES_MAX) {
    const data = Buffer.from(bytes.subarray(start, start + INPUT_BYTES_MAX)).toString('base64');
    // A runner that is gone ends the watching by itself.
    peer.call(CHILD_CALLS.input, { data }, ANSWER_MS).catch(() => {});
  }
};

const farewell = ({ report }: CommandContext, runId: string, reason: string): number => {
  if (reason === 'too_slow') {
    report.note(`dropped: more than 4 MiB of output were unread; conductor logs -f ${runId} reads at its own pace`);
    return EXIT.refused;
  }
  report.note(reason === 'detached' ? `detached; ${runId} goes on` : `${runId} has ended: conductor show ${runId}`);
  return EXIT.done;
};
