/**
 * Draws new ids (machines/ids.ts says how they look). Time and chance come from the caller, so that a simulation owns both.
 *
 * I1. Ids of one source rise: within one millisecond, and also when the clock steps back, so that a list by id is a list by age.
 * I2. Two sources meet only by chance: 50 random bits for every millisecond.
 */
import { randomBytes as cryptoRandomBytes } from 'node:crypto';
import {
  ID_ALPHABET,
  type ArtifactId,
  type GateId,
  type ObjectiveId,
  type RunId,
  type TaskId,
  type WorkerId,
} from '../machines/ids.ts';

type IdOfKind = {
  readonly objective: ObjectiveId;
  readonly task: TaskId;
  readonly worker: WorkerId;
  readonly run: RunId;
  readonly gate: GateId;
  readonly artifact: ArtifactId;
};

/** `now` in ms since the epoch; `randomBytes` gives as many random bytes as asked for. */
export type NewId = <Kind extends keyof IdOfKind>(
  kind: Kind,
  now: number,
  randomBytes?: (size: number) => Uint8Array,
) => IdOfKind[Kind];

/** Characters of time, and of chance. */
const PART_LENGTH = 10;
const BASE = ID_ALPHABET.length;

/** A source with a memory of its own. A simulation makes one per run; everything else shares `newId`. */
export const createIdSource = (): NewId => {
  let lastTime = -1;
  let digits: number[] = [];
  return (kind, now, randomBytes = cryptoRandomBytes) => {
    if (now > lastTime) {
      lastTime = Math.floor(now);
      digits = Array.from(randomBytes(PART_LENGTH), (byte) => byte % BASE);
    } else if (!increment(digits)) {
      lastTime += 1;
    }
    return `${kind}-${encodeTime(lastTime)}${digits.map((digit) => ID_ALPHABET[digit]!).join('')}` as never;
  };
};

/** The source of this process. */
export const newId: NewId = createIdSource();

const encodeTime = (time: number): string => {
  let rest = time;
  let text = '';
  for (let place = 0; place < PART_LENGTH; place += 1) {
    text = ID_ALPHABET[rest % BASE]! + text;
    rest = Math.floor(rest / BASE);
  }
  return text;
};

/** Adds one in place. @returns false when it went round to zero. */
const increment = (digits: number[]): boolean => {
  for (let place = digits.length - 1; place >= 0; place -= 1) {
    digits[place] = (digits[place]! + 1) % BASE;
    if (digits[place] !== 0) return true;
  }
  return false;
};
