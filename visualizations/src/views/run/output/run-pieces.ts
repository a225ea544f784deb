/** A stretch of bytes of a run's output or recording, with its place. Pure. */
export type RunPiece = {
  readonly from: number;
  readonly to: number;
  /** Where the next byte will be. */
  readonly size: number;
  readonly bytes: Uint8Array;
};

/** Where a text that begins anywhere may begin: after a line end that something follows, else at a whole character. */
export function textStart(bytes: Uint8Array, from: number): number {
  if (from === 0) return 0;
  const lineEnd = bytes.indexOf(0x0a);
  if (lineEnd !== -1 && lineEnd < bytes.length - 1) return lineEnd + 1;
  const whole = bytes.findIndex((byte) => (byte & 0xc0) !== 0x80);
  return Math.max(0, whole);
}
