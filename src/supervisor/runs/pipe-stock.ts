/**
 * Named pipes for the output of agents, made many at a time: mkfifo(1) per run costs a runner one more process, 8 ms of CPU.
 *
 * F1. A pipe is given away once, by rename, and its name goes when the runner opens it.
 * F2. Nobody needs it: a runner that finds none makes its own.
 */
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ProgramRunner } from '../processes/program-run.ts';
import { RUN_FILES } from '../runners/contract.ts';

/** Pairs made by one process. */
const PAIRS = 32;

export type PipeStock = {
  /** Puts a pair into a run's directory. Never rejects. */
  giveTo(runDirectory: string): Promise<void>;
};

/** @param directory On the file system of the run directories; emptied first, for what lies there is nobody's. */
export function openPipeStock(directory: string, run: ProgramRunner): PipeStock {
  const names: string[] = [];
  let making: Promise<void> | null = null;
  let made = 0;
  const make = async (): Promise<void> => {
    if (made === 0) rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const fresh = Array.from({ length: PAIRS * 2 }, () => String((made += 1)));
    const { exitCode } = await run({
      file: 'mkfifo',
      args: ['-m', '600', '--', ...fresh],
      cwd: directory,
      env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin' },
      input: null,
      outputBytesMax: 4_096,
      silenceMaxMs: 10_000,
    });
    if (exitCode === 0) names.push(...fresh);
  };
  return {
    giveTo: async (runDirectory) => {
      try {
        if (names.length < RUN_FILES.pipes.length) await (making ??= make().finally(() => (making = null)));
        for (const pipe of RUN_FILES.pipes) {
          const name = names.pop();
          if (name !== undefined) renameSync(join(directory, name), join(runDirectory, pipe));
        }
      } catch {
        // F2.
      }
    },
  };
}
