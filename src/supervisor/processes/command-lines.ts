/**
 * What the living processes were started with, as text: who runs a program is found by the path of the program.
 *
 * C1. Whoever ended meanwhile, or is another user's and hidden, is absent; trouble of our own is thrown, because «nobody» would be
 *     believed.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** A machine with very many processes, each with long arguments. */
const OUTPUT_BYTES_MAX = 64 * 1_048_576;

/** @param platform Default: this one. */
export const commandLines = (platform: NodeJS.Platform = process.platform): readonly string[] =>
  platform === 'linux' ? ofProc('/proc') : ofPs();

const ofProc = (proc: string): readonly string[] =>
  readdirSync(proc)
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      const text = readIfThere(`${proc}/${pid}/cmdline`);
      return text === null || text === '' ? [] : [text.replaceAll('\0', ' ').trim()];
    });

const readIfThere = (path: string): string | null => {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw error;
  }
};

const ofPs = (): readonly string[] =>
  execFileSync('/bin/ps', ['-axww', '-o', 'command='], { encoding: 'utf8', maxBuffer: OUTPUT_BYTES_MAX })
    .split('\n')
    .filter((line) => line !== '');
