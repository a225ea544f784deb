/**
 * Evidence as files: copies under their own content hash, `<artifacts>/<aa>/<sha256>`, for this user alone.
 *
 * A1. A file under its hash is whole and on the disk; what is being written has another name.
 * A2. The same bytes are stored once.
 * A3. Hash and size are those of the copy, also when it was cut at the limit.
 * A4. A copy whose row is not stored yet is not removed (unnamed-artifacts.ts): to find one that is there makes it young again.
 */
import { createHash, randomUUID } from 'node:crypto';
import { link, mkdir, open, readdir, rm, utimes, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ConductorError } from '../machines/errors.ts';
import { openContained } from './contained-file.ts';
import { syncDirectory } from './whole-file.ts';

export type StoredArtifact = {
  /** SHA-256 of the copy, lower-case hex. */
  readonly sha256: string;
  readonly bytes: number;
  /** The source had more than `bytesMax`. */
  readonly truncated: boolean;
};

/** `content` is null when there is nothing to show; `diagnostic` says why. */
export type ArtifactText = {
  readonly content: string | null;
  readonly truncated: boolean;
  readonly diagnostic: string | null;
};

const DRAFTS = 'drafts';
const SHA256 = /^[0-9a-f]{64}$/;

export const READ_BYTES_DEFAULT = 8_192;
export const READ_BYTES_MAX = 1_048_576;
/** A NUL in this many first bytes means binary. */
const BINARY_PROBE_BYTES = 1_024;

/** Where a copy stands. @throws ConductorError `invalid_params` when it is no hash. */
export const artifactPath = (artifacts: string, sha256: string): string => {
  if (SHA256.test(sha256)) return join(artifacts, sha256.slice(0, 2), sha256);
  throw new ConductorError('invalid_params', `"${sha256}" is no SHA-256 in hex.`);
};

/**
 * Copies bytes or a stream; reads no further than the limit.
 * @param options.bytesMax Longest copy in bytes, 1 or more.
 * @throws what the source throws, or the file system; then nothing is left behind.
 */
export const storeArtifact = async (
  artifacts: string,
  source: Uint8Array | AsyncIterable<Uint8Array>,
  options: { readonly bytesMax: number },
): Promise<StoredArtifact> => {
  const drafts = join(artifacts, DRAFTS);
  await mkdir(drafts, { recursive: true, mode: 0o700 });
  const draft = join(drafts, randomUUID());
  try {
    const handle = await open(draft, 'wx', 0o600);
    let stored: StoredArtifact;
    try {
      stored = await copyInto(handle, source instanceof Uint8Array ? [source] : source, options.bytesMax);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await publish(draft, artifactPath(artifacts, stored.sha256));
    return stored;
  } finally {
    await rm(draft, { force: true });
  }
};

/** Removes what killed writers left. Only for the owner, before it stores anything. */
export const sweepArtifactDrafts = (artifacts: string): Promise<void> =>
  rm(join(artifacts, DRAFTS), { recursive: true, force: true });

/** Whether this is the name of a copy. */
export const isContentHash = (name: string): boolean => SHA256.test(name);

/** Hashes of every copy. */
export const listArtifactFiles = async (artifacts: string): Promise<readonly string[]> => {
  const found = await readdir(artifacts, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  });
  return found.filter((entry) => entry.isFile() && SHA256.test(entry.name)).map(({ name }) => name);
};

/** The text of a stored copy. @param maxBytes Default 8 KiB, cut to 1..1 MiB. */
export const readArtifact = (artifacts: string, sha256: string, maxBytes?: number): Promise<ArtifactText> =>
  readContainedText(dirname(artifactPath(artifacts, sha256)), sha256, maxBytes);

/**
 * The beginning of a text file inside a directory, cut between two characters.
 * @throws ConductorError `invalid_params` when the name leads outside.
 */
export const readContainedText = async (
  root: string,
  ref: string,
  maxBytes: number = READ_BYTES_DEFAULT,
): Promise<ArtifactText> => {
  const file = await openContained(root, ref);
  if (file.kind === 'absent') return nothing(file.diagnostic);
  try {
    const limit = Math.min(Math.max(Math.trunc(maxBytes) || 1, 1), READ_BYTES_MAX);
    // One byte more than wanted: the size of a growing file says nothing.
    const bytes = await readUpTo(file.handle, Math.max(limit + 1, BINARY_PROBE_BYTES));
    if (bytes.subarray(0, BINARY_PROBE_BYTES).includes(0)) return nothing(`${ref} is binary (${file.bytes} bytes).`);
    const truncated = bytes.length > limit;
    const end = truncated ? characterEnd(bytes, limit) : bytes.length;
    return { content: bytes.toString('utf8', 0, end), truncated, diagnostic: null };
  } finally {
    await file.handle.close();
  }
};

const copyInto = async (
  handle: FileHandle,
  source: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  bytesMax: number,
): Promise<StoredArtifact> => {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of source) {
    const part = chunk.subarray(0, bytesMax - bytes);
    hash.update(part);
    // Goes on until all of it is written; `write` may stop in the middle.
    await handle.writeFile(part);
    bytes += part.length;
    if (part.length < chunk.length) return { sha256: hash.digest('hex'), bytes, truncated: true };
  }
  return { sha256: hash.digest('hex'), bytes, truncated: false };
};

/** A1, A2: a link gives a finished file its name, or finds that the same bytes have it already (A4). */
const publish = async (draft: string, path: string): Promise<void> => {
  const folder = dirname(path);
  const isNew = (await mkdir(folder, { recursive: true, mode: 0o700 })) !== undefined;
  // Between finding it and touching it it may be taken away: then the name is free.
  while (!(await isLinked(draft, path)) && !(await isTouched(path)));
  syncDirectory(folder);
  if (isNew) syncDirectory(dirname(folder));
};

const isLinked = (draft: string, path: string): Promise<boolean> => done(link(draft, path), 'EEXIST');

const isTouched = (path: string): Promise<boolean> => done(utimes(path, new Date(), new Date()), 'ENOENT');

/** @returns false for the one error that is an answer. */
const done = async (work: Promise<void>, except: string): Promise<boolean> => {
  try {
    await work;
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === except) return false;
    throw error;
  }
};

const readUpTo = async (handle: FileHandle, bytesMax: number): Promise<Buffer> => {
  const buffer = Buffer.alloc(bytesMax);
  let length = 0;
  while (length < bytesMax) {
    const { bytesRead } = await handle.read(buffer, length, bytesMax - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return buffer.subarray(0, length);
};

/** The end of the last whole UTF-8 character within `limit`: steps back over a begun one, at most three bytes. */
const characterEnd = (bytes: Uint8Array, limit: number): number => {
  let end = limit;
  while (end > 0 && limit - end < 3 && isContinuation(bytes[end]!)) end -= 1;
  return isContinuation(bytes[end]!) ? limit : end;
};

const isContinuation = (byte: number): boolean => (byte & 0xc0) === 0x80;

const nothing = (diagnostic: string): ArtifactText => ({ content: null, truncated: false, diagnostic });
