/**
 * `conductor child …`: carries one report to the runner of the run that this process is part of, and says what became of it.
 *
 * C1. It speaks to the runner's socket only, and proves where it belongs with the cookie that it inherited.
 * C2. What is printed is the runner's word; without one nothing is printed on stdout and the exit code is 4.
 */
import { createConnection } from 'node:net';
import { resolve } from 'node:path';
import { isConductorError } from '../../machines/errors.ts';
import {
  CHILD_CALLS,
  CHILD_FRAME_BYTES_MAX,
  CLIENT_FRAME_BYTES_MAX,
  type ChildAnswer,
  type ChildReport,
} from '../../supervisor/runners/protocol.ts';
import { RpcPeer } from '../../supervisor/runners/rpc-peer.ts';
import { CHILD_USAGE, parseChildArguments, type ChildCommand } from './child-arguments.ts';

/** Exit codes, as the usage text says. */
const EXIT = { done: 0, refused: 1, usage: 2, noRunner: 4 } as const;
/** A runner is on this machine and answers at once, or tells `stored` after 10 s; large artifacts take a little. In ms. */
const ANSWER_MS = 60_000;
/** Time for the runner to say that a wait is over before this side gives up, in ms. */
const WAIT_SLACK_MS = 5_000;

export type ChildSurroundings = {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly print: (text: string) => void;
  readonly complain: (text: string) => void;
};

/**
 * @param argv What follows `conductor child`.
 * @returns the exit code.
 */
export const runChild = async (argv: readonly string[], surroundings: ChildSurroundings): Promise<number> => {
  const { print, complain } = surroundings;
  const command = parseChildArguments(argv);
  if (command.kind === 'help') {
    print(CHILD_USAGE);
    return EXIT.done;
  }
  if (command.kind === 'wrong') {
    complain(`conductor child ${command.message} (conductor child --help)\n`);
    return EXIT.usage;
  }
  const { CONDUCTOR_SOCKET: socketPath, CONDUCTOR_COOKIE: cookie } = surroundings.env;
  if (!socketPath || !cookie) {
    complain('conductor child: this is not inside a run (CONDUCTOR_SOCKET and CONDUCTOR_COOKIE are not set)\n');
    return EXIT.noRunner;
  }
  return tell({ socketPath, cookie, command }, surroundings);
};

type Telling = {
  readonly socketPath: string;
  readonly cookie: string;
  readonly command: Extract<ChildCommand, { kind: 'report' }>;
};

const tell = async ({ socketPath, cookie, command }: Telling, surroundings: ChildSurroundings): Promise<number> => {
  const { print, complain, cwd } = surroundings;
  const { body, wait, waitMs } = command;
  const files = command.files.map(({ type, path }) => ({ type, path: resolve(cwd, path) }));
  const report: ChildReport = { cookie, body, files, waitMs };
  const bytes = Buffer.byteLength(JSON.stringify(report));
  // The runner would close the connection without reading it: a frame has a few bytes around the report.
  if (bytes > CHILD_FRAME_BYTES_MAX - 256) {
    print(`${JSON.stringify({ applied: false, reason: 'too_large' })}\n`);
    complain(`conductor child: ${String(bytes)} bytes are too many for one report; show a file with --artifact\n`);
    return EXIT.refused;
  }
  const peer = await connect(socketPath);
  if (peer === null) {
    complain(`conductor child: the runner of this run does not answer at ${socketPath}; the run is probably over\n`);
    return EXIT.noRunner;
  }
  try {
    const deadlineMs = !wait ? ANSWER_MS : waitMs === null ? 0 : waitMs + WAIT_SLACK_MS;
    return show((await peer.call(CHILD_CALLS.report, report, deadlineMs)) as ChildAnswer, wait, surroundings);
  } catch (error) {
    if (!isConductorError(error) || error.code === 'supervisor_unreachable') {
      complain('conductor child: the runner closed the connection before it answered\n');
      return EXIT.noRunner;
    }
    print(`${JSON.stringify({ applied: false, reason: error.code })}\n`);
    complain(`conductor child: ${error.message}\n`);
    return EXIT.refused;
  } finally {
    peer.socket.destroy();
  }
};

const show = (answer: ChildAnswer, wait: boolean, surroundings: ChildSurroundings): number => {
  const { applied, reason } = answer;
  if (wait && applied !== false) return showWait(answer, surroundings);
  surroundings.print(`${JSON.stringify({ applied, ...(reason === undefined ? {} : { reason }) })}\n`);
  return applied === false ? EXIT.refused : EXIT.done;
};

/** A program that asked and reads the answer from stdout must not take anything else for it. */
const showWait = ({ applied, reason, gate }: ChildAnswer, { print, complain }: ChildSurroundings): number => {
  const text = gate?.answer ?? '';
  if (gate?.decision === 'approved') {
    print(`${text}\n`);
    return EXIT.done;
  }
  const why = reason ?? gate?.decision ?? 'unanswered';
  complain(`${JSON.stringify({ applied, reason: why })}\nconductor child: no answer: ${why}${text && `: ${text}`}\n`);
  return EXIT.refused;
};

const connect = (path: string): Promise<RpcPeer | null> =>
  new Promise((settle) => {
    const socket = createConnection(path);
    const fail = (): void => settle(null);
    socket.once('error', fail);
    socket.once('connect', () => {
      socket.off('error', fail);
      settle(new RpcPeer(socket, { frameBytesMax: CLIENT_FRAME_BYTES_MAX, methods: {} }));
    });
  });
