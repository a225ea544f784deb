/**
 * Real pipes for the output of a program. Node's own are socket pairs, and a program that opens `/dev/stdout` or `/dev/stderr` by
 * name (`echo … > /dev/stderr`, `tee /dev/stderr`) fails on those.
 *
 * O1. The names are gone once they are open. A pair lies ready in the run's own directory for the first program; the others get
 *     one made.
 * O2. Without mkfifo(1) the caller goes on with Node's pipes: only opening them by name fails then.
 */
import { execFile } from 'node:child_process';
import { closeSync, constants, lstatSync, openSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { RUN_FILES } from '../../supervisor/runners/contract.ts';
import { randomHex } from './random-hex.ts';

export type OutputPipe = {
  readonly stream: Socket;
  /** For the program; closed here once it has it. */
  readonly writeFd: number;
};

export type OutputPipes = {
  readonly out: OutputPipe;
  readonly err: OutputPipe;
  /** The program has its ends: what is left of them here is let go. */
  handedOver(): void;
};

const NAME_BYTES = 8;

/** @returns null without mkfifo. */
export const openOutputPipes = async (
  env: Readonly<Record<string, string | undefined>>,
): Promise<OutputPipes | null> => {
  const contract = env['CONDUCTOR_CONTRACT'];
  const directory = contract === undefined ? tmpdir() : dirname(contract);
  const [out, err] = RUN_FILES.pipes;
  const ready: Paths = [join(directory, out), join(directory, err)];
  if (contract !== undefined && ready.every(isPipe)) return openPair(ready);
  const name = randomHex(NAME_BYTES);
  const made: Paths = [join(directory, `.pipe-${name}-out`), join(directory, `.pipe-${name}-err`)];
  const isMade = await new Promise<boolean>((resolve) => {
    execFile('mkfifo', ['-m', '600', ...made], (error) => resolve(error === null));
  });
  return isMade ? openPair(made) : null; // O2.
};

type Paths = readonly [out: string, err: string];

const isPipe = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false })?.isFIFO() === true;

const openPair = (paths: Paths): OutputPipes | null => {
  try {
    const [out, err] = [openPipe(paths[0]), openPipe(paths[1])];
    const handedOver = (): void => {
      closeSync(out.writeFd);
      closeSync(err.writeFd);
    };
    return { out, err, handedOver };
  } catch {
    return null; // O2.
  } finally {
    for (const path of paths) rmSync(path, { force: true });
  }
};

/** The reading end first, and without waiting: then the writing end opens at once. */
const openPipe = (path: string): OutputPipe => {
  const readFd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writeFd = openSync(path, constants.O_WRONLY);
  return { stream: new Socket({ fd: readFd, readable: true, writable: false }), writeFd };
};
