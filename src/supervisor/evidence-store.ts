/**
 * Evidence as content-addressed files of the project. Large pieces are read, redacted, hashed and written in a thread.
 *
 * E1. The pool is loaded with the first large piece, and its threads end when there is nothing to do.
 * E2. Where the pool is not installed, or fails, the same work is done in place.
 */
import { lstatSync } from 'node:fs';
import { isConductorError } from '../machines/errors.ts';
import type { StoredArtifact } from '../persistence/artifact-files.ts';
import { programBeside } from '../persistence/program-file.ts';
import { keepEvidence, type EvidenceCopy } from './hash-worker.ts';
import type { EvidenceStore } from './runs/run-parts.ts';

/** Largest copy of one artifact, in bytes; what is longer is cut and said to be. */
const ARTIFACT_BYTES_MAX = 16 * 1_048_576;
/** From this size on a piece is worth a thread, in bytes: below, the way there takes longer than the work. */
const POOLED_BYTES_MIN = 256 * 1_024;
/** A thread without work ends after this time, in ms; loading it again takes about 30. */
const THREAD_IDLE_MS = 5_000;
const THREADS_MAX = 2;

/** Carries copies out elsewhere. */
export type EvidencePool = { run(copy: EvidenceCopy): Promise<StoredArtifact> };

/** @param loadPool Default: threads; null when there are none to be had. */
export function openEvidenceStore(
  directory: string,
  loadPool: () => Promise<EvidencePool | null> = loadThreads,
): EvidenceStore {
  let loading: Promise<EvidencePool | null> | null = null;
  const keep = async (size: number, makeCopy: () => EvidenceCopy): Promise<StoredArtifact> => {
    if (size <= POOLED_BYTES_MIN) return keepEvidence(makeCopy());
    loading ??= loadPool();
    const pool = await loading;
    if (pool === null) return keepEvidence(makeCopy());
    try {
      return await pool.run(makeCopy());
    } catch (error) {
      // E2. What was wrong with the piece itself is wrong in place too.
      if (isConductorError(error)) throw error;
      return keepEvidence(makeCopy());
    }
  };
  const copyOf = (source: EvidenceCopy['source'], secrets: readonly string[]): EvidenceCopy => ({
    directory,
    source,
    bytesMax: ARTIFACT_BYTES_MAX,
    secrets,
  });
  return {
    keepFile: async ({ path }, secrets) => keep(lstatSync(path).size, () => copyOf({ path }, secrets)),
    // Encoded anew for every try: the bytes are handed over to the thread, not copied.
    keepText: (text, secrets) => keep(text.length, () => copyOf({ bytes: new TextEncoder().encode(text) }, secrets)),
  };
}

/** @returns null where the package for threads is not installed. */
export async function loadThreads(): Promise<EvidencePool | null> {
  try {
    const { Piscina } = await import('piscina');
    const pool = new Piscina<EvidenceCopy, StoredArtifact>({
      filename: programBeside(import.meta.url, 'hash-worker').href,
      name: 'keepEvidence',
      minThreads: 0,
      maxThreads: THREADS_MAX,
      idleTimeout: THREAD_IDLE_MS,
      execArgv: [],
      env: {},
    });
    return {
      run: (copy) => pool.run(copy, 'bytes' in copy.source ? { transferList: [copy.source.bytes.buffer] } : {}),
    };
  } catch {
    return null; // Not installed where this runs: E2.
  }
}
