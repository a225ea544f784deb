/**
 * Starts programs, from whichever process this is called in: one that is waited for with its output in memory, or one that stays
 * (a runner). `process-starter.ts` calls it in a small process of its own.
 *
 * P1. A command that reads bytes from a source that fails never sees a proper end of them.
 * P2. A program that stays leads a session of its own, writes to a file, and holds nothing else of ours but its input, if it has one.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';

/** Characters of standard error that are kept. */
const STDERR_CHARS_MAX = 2_000;

export type ProgramCall = {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** All of it: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  /** Null: /dev/null. */
  readonly input: AsyncIterable<Uint8Array> | Uint8Array | null;
  /** Output beyond this is cut, and the program killed. */
  readonly outputBytesMax: number;
  /** A program that prints nothing for this long is killed, in ms; null: never. */
  readonly silenceMaxMs: number | null;
};

export type ProgramEnd = {
  /** -1: it could not be started, or was ended by a signal. */
  readonly exitCode: number;
  readonly stdout: Buffer;
  /** Its beginning; at the end, why we ended it or could not start it. */
  readonly stderr: string;
  readonly truncated: boolean;
  /** What kept the input from reaching it whole. */
  readonly inputError: Error | null;
};

/** Carries a call out, here or elsewhere. What becomes of the program is in the result. */
export type ProgramRunner = (call: ProgramCall) => Promise<ProgramEnd>;

export type StayingProgram = Pick<ProgramCall, 'file' | 'args' | 'cwd' | 'env'> & {
  /** Where its output and errors are appended; made with 0600. */
  readonly logPath: string;
};

export const runProgram: ProgramRunner = async (call) => {
  const { file, args, cwd, env, input, outputBytesMax } = call;
  const child = spawn(file, [...args], { cwd, env, stdio: [input === null ? 'ignore' : 'pipe', 'pipe', 'pipe'] });
  const chunks: Buffer[] = [];
  let size = 0;
  let stderr = '';
  let truncated = false;
  const silence = watchSilence(call.silenceMaxMs, (ms) => {
    stderr += `it said nothing for ${String(ms / 1_000)} s and was ended`;
    child.kill('SIGKILL');
  });
  child.stdout!.on('data', (chunk: Buffer) => {
    silence.heard();
    if (size < outputBytesMax) chunks.push(chunk.subarray(0, outputBytesMax - size));
    size += chunk.length;
    if (size > outputBytesMax && !truncated) {
      truncated = true;
      child.kill('SIGKILL');
    }
  });
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    silence.heard();
    if (stderr.length < STDERR_CHARS_MAX) stderr += text;
  });
  const fed = input === null ? Promise.resolve(null) : feed(child.stdin!, input);
  const exitCode = await new Promise<number>((resolve) => {
    child.once('error', (error) => {
      stderr += error.message;
      resolve(-1);
    });
    child.once('close', (code) => resolve(code ?? -1));
  });
  silence.stop();
  return { exitCode, stdout: Buffer.concat(chunks), stderr, truncated, inputError: await fed };
};

function watchSilence(maxMs: number | null, onSilence: (ms: number) => void): { heard(): void; stop(): void } {
  if (maxMs === null) return { heard: () => undefined, stop: () => undefined };
  const timer = setTimeout(() => onSilence(maxMs), maxMs);
  return { heard: () => void timer.refresh(), stop: () => clearTimeout(timer) };
}

async function feed(
  stdin: NodeJS.WritableStream,
  input: AsyncIterable<Uint8Array> | Uint8Array,
): Promise<Error | null> {
  let broken: Error | null = null;
  stdin.on('error', (error: Error) => {
    broken ??= error;
  });
  try {
    for await (const chunk of input instanceof Uint8Array ? [input] : input) {
      if (broken !== null) return broken;
      if (!stdin.write(chunk)) {
        await new Promise<void>((resolve) => {
          stdin.once('drain', resolve).once('close', resolve).once('error', resolve);
        });
      }
    }
    stdin.end();
    return broken;
  } catch (error) {
    // The source failed, e.g. a file that cannot be read: without a proper end the program must not take half of it (P1).
    (stdin as unknown as { destroy(): void }).destroy();
    return error instanceof Error ? error : new Error(String(error));
  }
}

/**
 * @param identify Asked in the tick of the start, while the number cannot belong to anybody else.
 * @param input `held`: its input ends with whoever called this, or sooner when told so through `child`.
 * @returns what `identify` said, or why there is no process.
 */
export async function startStaying<Identity>(
  { file, args, cwd, env, logPath }: StayingProgram,
  identify: (pid: number) => Identity | null,
  input: 'none' | 'held' = 'none',
): Promise<{ readonly identity: Identity; readonly child: ChildProcess } | { readonly error: string }> {
  let log: number;
  try {
    log = openSync(logPath, 'a', 0o600);
  } catch (error) {
    return { error: (error as Error).message };
  }
  try {
    const child = spawn(file, [...args], {
      cwd,
      env,
      detached: true,
      stdio: [input === 'none' ? 'ignore' : 'pipe', log, log],
    });
    const { pid } = child;
    const failed = new Promise<string>((resolve) => child.once('error', ({ message }) => resolve(message)));
    if (pid === undefined) return { error: await failed };
    const identity = identify(pid);
    child.unref();
    return identity === null ? { error: 'it was gone at once' } : { identity, child };
  } finally {
    closeSync(log);
  }
}
