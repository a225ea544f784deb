/**
 * A program in a session and group of its own, with /dev/null for input and pipes for output: setup, agent, verification.
 *
 * P1. A gated program exists, as a shell that reads from descriptor 3, before it is executed. When the runner dies the shell
 *     reads the end of the file and never executes anything.
 * P2. The end is the end of the process, not of its pipes: a daemon that keeps them open is waited for at most `DRAIN_MS`.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { ConductorError } from '../../machines/errors.ts';
import { openOutputPipes } from './output-pipes.ts';

/** Output that is still in the pipes when the process has ended is read for this long, in ms. */
const DRAIN_MS = 250;

export type ProcessExit = { readonly code: number | null; readonly signal: string | null };

export type PipedProgram = {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly umask: number;
  readonly onOutput: (stream: 'out' | 'err', bytes: Buffer) => void;
};

export type PipedProcess = {
  readonly pid: number;
  /** Executes the program (P1); nothing when it was not gated. */
  release(): void;
  /** Gives up a gated program that was not released. */
  abandon(): void;
  /** Resolves as soon as the process has ended, before its output is drained. */
  readonly collected: Promise<void>;
  /** Resolves when it has ended and its output is read (P2). */
  readonly exited: Promise<ProcessExit>;
};

/** @throws internal when no process can be made. */
export const startPiped = async (program: PipedProgram, gated: boolean): Promise<PipedProcess> => {
  const gate = gated ? 'read -r _ <&3 && exec 3<&- && ' : '';
  const script = `umask ${program.umask.toString(8).padStart(4, '0')} && ${gate}exec "$@"`;
  const { child, streams } = await spawnWithPipes(program, script, gated);
  const exited = endOf(child, streams);
  const collected = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause) => {
      reject(
        new ConductorError('internal', `no process could be made for ${program.file}: ${cause.message}`, { cause }),
      );
    });
  });
  const gatePipe = child.stdio[3] as Writable | null | undefined;
  gatePipe?.on('error', () => gatePipe.destroy()); // The shell is gone: its exit says so.
  listen(streams[0], (bytes) => program.onOutput('out', bytes));
  listen(streams[1], (bytes) => program.onOutput('err', bytes));
  return {
    pid: child.pid!,
    release: () => gatePipe?.end('\n'),
    abandon: () => gatePipe?.destroy(),
    collected,
    exited,
  };
};

const spawnWithPipes = async (
  program: PipedProgram,
  script: string,
  gated: boolean,
): Promise<{ readonly child: ChildProcess; readonly streams: readonly [Readable, Readable] }> => {
  const pipes = await openOutputPipes(program.env);
  const child = spawn('/bin/sh', ['-c', script, 'sh', program.file, ...program.args], {
    cwd: program.cwd,
    env: program.env,
    detached: true,
    stdio: ['ignore', pipes?.out.writeFd ?? 'pipe', pipes?.err.writeFd ?? 'pipe', gated ? 'pipe' : 'ignore'],
  });
  if (pipes === null) return { child, streams: [child.stdout!, child.stderr!] };
  pipes.handedOver();
  return { child, streams: [pipes.out.stream, pipes.err.stream] };
};

/** P2. */
const endOf = (child: ChildProcess, streams: readonly Readable[]): Promise<ProcessExit> => {
  const drained = Promise.all(streams.map((stream) => new Promise((resolve) => stream.once('close', resolve))));
  return new Promise<ProcessExit>((resolve) => {
    child.once('exit', (code, signal) => {
      const timer = setTimeout(() => {
        for (const stream of streams) stream.destroy();
      }, DRAIN_MS);
      void drained.finally(() => {
        clearTimeout(timer);
        resolve({ code, signal });
      });
    });
  });
};

const listen = (stream: Readable, take: (bytes: Buffer) => void): void => {
  stream.on('data', take);
  stream.on('error', () => stream.destroy()); // Reading a pipe fails only when it is being closed.
};
