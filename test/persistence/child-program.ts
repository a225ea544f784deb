/** Starts a small program as a process of its own, and ends it with the test. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { waitFor } from './wait-for.ts';

export type ChildProgram = {
  readonly pid: number;
  /** Lines of its standard output so far. */
  readonly lines: readonly string[];
  line(what: (line: string) => boolean): Promise<string>;
  kill(signal: NodeJS.Signals): void;
  /** Resolves with its exit code, null after a signal. */
  readonly ended: Promise<number | null>;
};

const running = new Set<ChildProcess>();

/** @param options.uid Another user to run as; the tests run as root. */
export const startProgram = (
  name: string,
  args: readonly string[],
  options: { readonly uid?: number; readonly nodeArgs?: readonly string[] } = {},
): ChildProgram => {
  const file = fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));
  const child = spawn(process.execPath, [...(options.nodeArgs ?? []), file, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
  });
  running.add(child);
  const lines: string[] = [];
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop()!;
    lines.push(...parts);
  });
  const ended = once(child, 'close').then(([code]) => {
    running.delete(child);
    return code as number | null;
  });
  return {
    pid: child.pid!,
    lines,
    line: (what) => waitFor(`a line of ${name}`, () => lines.find(what)),
    kill: (signal) => void child.kill(signal),
    ended,
  };
};

/** For `afterEach`: no program outlives its test. */
export const endPrograms = async (): Promise<void> => {
  const left = [...running];
  for (const child of left) child.kill('SIGKILL');
  const living = left.filter((child) => child.exitCode === null && child.signalCode === null);
  await Promise.all(living.map((child) => once(child, 'close')));
};
