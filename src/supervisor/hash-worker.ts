/**
 * Copies one piece of evidence under its content hash, redacted on the way: the work of a thread, and small enough to be done in
 * place. As an entry of its own it is what the pool of `evidence-store.ts` loads.
 *
 * H1. The hash is that of the redacted bytes; nothing raw is written first.
 * H2. A file is opened without following a link at its end, and without waiting for a pipe.
 */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { storeArtifact, type StoredArtifact } from '../persistence/artifact-files.ts';
import { SecretSet, StreamRedactor } from './runners/redaction.ts';

export type EvidenceCopy = {
  /** Directory of the project's artifacts. */
  readonly directory: string;
  readonly source: { readonly path: string } | { readonly bytes: Uint8Array<ArrayBuffer> };
  /** Longest copy in bytes. */
  readonly bytesMax: number;
  /** Values that must not be in the copy. */
  readonly secrets: readonly string[];
};

/** Bytes that are read and redacted at one time: a millisecond or two, also where this runs on the loop. */
const CHUNK_BYTES = 65_536;

/** The tables of the values used last: a run has one set and several artifacts. */
let compiled: { readonly key: string; readonly set: SecretSet } | null = null;

/**
 * @throws RangeError when the values are more than can be redacted; what the file system throws. Nothing is left behind then.
 */
export async function keepEvidence({ directory, source, bytesMax, secrets }: EvidenceCopy): Promise<StoredArtifact> {
  const key = JSON.stringify(secrets);
  if (compiled?.key !== key) compiled = { key, set: new SecretSet(secrets) };
  const { set } = compiled;
  const keep = (chunks: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<StoredArtifact> =>
    storeArtifact(directory, redacted(chunks, set), { bytesMax });
  if ('bytes' in source) return keep(pieces(source.bytes));
  const handle = await open(source.path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    return await keep(handle.createReadStream({ autoClose: false, highWaterMark: CHUNK_BYTES }));
  } finally {
    await handle.close();
  }
}

async function* redacted(
  chunks: AsyncIterable<Buffer> | Iterable<Buffer>,
  secrets: SecretSet,
): AsyncGenerator<Uint8Array> {
  const redactor = new StreamRedactor(secrets);
  for await (const chunk of chunks) yield redactor.push(chunk);
  yield redactor.flush();
}

function* pieces(bytes: Uint8Array): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    const piece = bytes.subarray(at, at + CHUNK_BYTES);
    yield Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
  }
}
