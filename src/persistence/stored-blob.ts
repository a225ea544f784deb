/** Large content of actors, stored once: part of the port. */

/** Content under its SHA-256. The same bytes are stored once; each actor that names them is kept as a user. */
export type StoredBlob = {
  readonly hash: string;
  readonly data: Uint8Array;
  /** Whoever names the hash in its snapshot or journal: the blob is kept as long as one of them is. */
  readonly usedBy: readonly string[];
};
