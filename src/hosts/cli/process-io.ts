/**
 * The real terminal, pipes, signals and clock of this process.
 *
 * P1. A reader that goes away (`| head`) is the end of the work, not a fault: the process ends quietly as SIGPIPE would end it.
 */
import type { CliInput, CliIo, CliOutput } from './cli-io.ts';

const SIGPIPE_EXIT = 141;
const COLUMNS_DEFAULT = 80;
const ROWS_DEFAULT = 24;
/** More than this is no parameter and no plan. */
const INPUT_BYTES_MAX = 16 * 1_048_576;

const outputOf = (stream: NodeJS.WriteStream): CliOutput => {
  stream.on('error', ({ code }: NodeJS.ErrnoException) => {
    if (code === 'EPIPE') process.exit(SIGPIPE_EXIT);
  });
  return {
    get isTerminal() {
      return stream.isTTY;
    },
    get columns() {
      return positive(stream.columns) ?? positive(Number(process.env['COLUMNS'])) ?? COLUMNS_DEFAULT;
    },
    get rows() {
      return positive(stream.rows) ?? ROWS_DEFAULT;
    },
    write: (data) => void stream.write(data),
    flush: () => new Promise((resolve) => stream.write('', () => resolve())),
    onResize: (listener) => {
      stream.on('resize', listener);
      return () => stream.off('resize', listener);
    },
  };
};

const positive = (value: number | undefined): number | undefined =>
  value !== undefined && Number.isInteger(value) && value > 0 ? value : undefined;

const input = (): CliInput => ({
  get isTerminal() {
    return process.stdin.isTTY;
  },
  readAll: async () => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > INPUT_BYTES_MAX) break;
    }
    return Buffer.concat(chunks).toString('utf8');
  },
  readLine: async () => {
    const { createInterface } = await import('node:readline');
    const lines = createInterface({ input: process.stdin, terminal: false });
    try {
      for await (const line of lines) return line;
      return null;
    } finally {
      lines.close();
    }
  },
  readKeys: (listener) => {
    const { stdin } = process;
    stdin.setRawMode(true);
    stdin.on('data', listener);
    stdin.resume();
    return () => {
      stdin.off('data', listener);
      stdin.pause();
      stdin.setRawMode(false);
    };
  },
});

/** The io of this process. */
export const processIo = (): CliIo => ({
  stdout: outputOf(process.stdout),
  stderr: outputOf(process.stderr),
  stdin: input(),
  env: process.env,
  cwd: process.cwd(),
  now: () => Date.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
  onSignal: (signal, listener) => {
    process.on(signal, listener);
    return () => process.off(signal, listener);
  },
});
