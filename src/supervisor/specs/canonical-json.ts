/** One text per JSON value: keys sorted, no white space, `undefined` members left out. What two processes hash must read the same. */
import { createHash } from 'node:crypto';

/** Deeper than this is refused: every value that we hash is a few levels deep, and recursion must end. */
const DEPTH_MAX = 64;

/** @throws RangeError beyond 64 levels, TypeError for what JSON cannot say (functions, bigints, NaN). */
export const canonicalJson = (value: unknown, depth = 0): string => {
  if (depth > DEPTH_MAX) throw new RangeError(`a value of more than ${String(DEPTH_MAX)} levels has no canonical JSON`);
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item, depth + 1)).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .toSorted(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0))
      .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member, depth + 1)}`);
    return `{${members.join(',')}}`;
  }
  const json: string | undefined =
    typeof value === 'number' && !Number.isFinite(value) ? undefined : JSON.stringify(value);
  if (json === undefined) throw new TypeError(`a ${typeof value} has no JSON`);
  return json;
};

/** SHA-256 in lower-case hex. */
export const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');
