/**
 * A program in a terminal of its own. The terminal belongs to the runner, so it survives the supervisor.
 *
 * `runtimeMode: viewer` is the same here: a run's environment has no display, so a window is opened by the host that has one
 * (`conductor attach`), as well as it can.
 *
 * T1. The program exists, as a shell that reads a line from its terminal, before it is executed. When the runner dies the
 *     terminal hangs up, and the shell ends without executing anything.
 * T2. That line's echo is the first that the terminal shows; it is taken away.
 */
import { constants } from 'node:os';
import type * as NodePty from 'node-pty';
import type { PipedProgram, ProcessExit } from './piped-process.ts';
import type { Size } from './recording.ts';

export type PtyProcess = {
  readonly pid: number;
  release(): void;
  abandon(): void;
  write(bytes: Buffer): void;
  resize(size: Size): void;
  readonly collected: Promise<void>;
  readonly exited: Promise<ProcessExit>;
};

export type PtyStart = { readonly kind: 'started'; readonly process: PtyProcess } | { readonly kind: 'unavailable' };

/** Echo of the line that releases the shell: LF becomes CR LF (termios(3), ONLCR). */
const ECHO = Buffer.from('\r\n');

export const startPty = async (
  program: Omit<PipedProgram, 'onOutput'> & { readonly onOutput: (bytes: Buffer) => void },
  size: Size,
): Promise<PtyStart> => {
  const pty = await loadNodePty();
  if (pty === null) return { kind: 'unavailable' };
  const script = `umask ${program.umask.toString(8).padStart(4, '0')} && read -r _ && exec "$@"`;
  const terminal = pty.spawn('/bin/sh', ['-c', script, 'sh', program.file, ...program.args], {
    name: 'xterm-256color',
    ...size,
    cwd: program.cwd,
    env: { ...program.env, TERM: 'xterm-256color' },
    encoding: null,
  });
  let echo: Buffer | null = Buffer.alloc(0);
  terminal.onData((data) => {
    let bytes = data;
    if (echo !== null) {
      echo = Buffer.concat([echo, bytes]);
      if (echo.length < ECHO.length) return;
      bytes = echo.subarray(0, ECHO.length).equals(ECHO) ? echo.subarray(ECHO.length) : echo;
      echo = null;
    }
    if (bytes.length > 0) program.onOutput(bytes);
  });
  const exited = new Promise<ProcessExit>((resolve) => {
    terminal.onExit(({ exitCode, signal }) => {
      resolve(signal ? { code: null, signal: signalName(signal) } : { code: exitCode, signal: null });
    });
  });
  return {
    kind: 'started',
    process: {
      pid: terminal.pid,
      release: () => quietly(() => terminal.write('\n')),
      abandon: () => quietly(() => terminal.kill('SIGKILL')),
      write: (bytes) => quietly(() => terminal.write(bytes)),
      resize: ({ cols, rows }) => quietly(() => terminal.resize(cols, rows)),
      collected: exited.then(() => undefined),
      exited,
    },
  };
};

const quietly = (act: () => void): void => {
  try {
    act();
  } catch {
    // The terminal is closed: the program has ended, and its exit says so.
  }
};

/** Null without a compiler at installation: everything but terminals works then. */
const loadNodePty = async (): Promise<typeof NodePty | null> => {
  try {
    return await import('node-pty');
  } catch {
    return null;
  }
};

const signalName = (number: number): string =>
  Object.entries(constants.signals).find(([, value]) => value === number)?.[0] ?? `SIG${String(number)}`;
