/** A message that nobody could handle, set aside for people: part of the port. */
import type { EpochMs } from '../machines/ids.ts';

export type DeadLetter = {
  readonly at: EpochMs;
  readonly to: string;
  readonly event: unknown;
  readonly code: string;
  readonly message: string;
  readonly chain: readonly string[];
};
