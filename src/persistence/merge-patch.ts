/**
 * JSON merge patches (RFC 7386) between snapshots, with one addition: contexts use null as a value, where RFC 7386 has it
 * mean "remove". `{"$set": value}`, alone in its object, is that value as it stands; nothing inside it is read as a patch.
 *
 * M1. `applyPatch(before, diffSnapshot(before, after))` equals `after`, for every pair of JSON values.
 * M2. Neither argument is changed; parts that did not change are shared between before and after. `patchOwned` alone changes what it
 *     is given, and what comes of it is the same.
 * M3. A property that is undefined counts as absent, as in JSON text.
 */
import type { PersistedSnapshot } from './store.ts';

type JsonObject = Readonly<Record<string, unknown>>;

const SET = '$set';

/** The patch that leads from one snapshot to the next; `{}` when they are equal. */
export const diffSnapshot = (before: PersistedSnapshot, after: PersistedSnapshot): unknown => diffJson(before, after);

/** The snapshot after a patch made by `diffSnapshot`. */
export const applyPatch = (before: PersistedSnapshot, patch: unknown): PersistedSnapshot =>
  applyJson(before, patch) as PersistedSnapshot;

/** `applyPatch` for a snapshot that nobody else holds: what did not change is not even copied. The patch belongs to it afterwards. */
export const patchOwned = (before: PersistedSnapshot, patch: unknown): PersistedSnapshot =>
  patched(before, patch, (object) => object) as PersistedSnapshot;

/** `diffSnapshot` for any JSON value. Arrays are replaced whole. */
export const diffJson = (before: unknown, after: unknown): unknown => {
  if (!isObject(after)) return after === null ? { [SET]: null } : after;
  const patch = isObject(before) ? diffObjects(before, after) : diffObjects({}, after);
  return isSet(patch) ? { [SET]: after } : patch;
};

/** `applyPatch` for any JSON value. */
export const applyJson = (before: unknown, patch: unknown): unknown =>
  patched(before, patch, (object) => ({ ...object }));

/** @param own Gives the object that may be changed. */
const patched = (before: unknown, patch: unknown, own: (object: JsonObject) => JsonObject): unknown => {
  if (!isObject(patch)) return patch;
  if (isSet(patch)) return patch[SET];
  const after: Record<string, unknown> = isObject(before) ? own(before) : {};
  for (const key of Object.keys(patch)) {
    if (patch[key] === null) delete after[key];
    else put(after, key, patched(Object.hasOwn(after, key) ? after[key] : undefined, patch[key], own));
  }
  return after;
};

const diffObjects = (before: JsonObject, after: JsonObject): JsonObject => {
  const patch: Record<string, unknown> = {};
  let kept = 0;
  for (const key of Object.keys(after)) {
    const value = after[key];
    if (value === undefined) continue;
    const former = before[key];
    // Most of a context: no JSON value equals anything that objects inherit.
    const isSame = former === value;
    const isKnown = isSame || (former !== undefined && Object.hasOwn(before, key));
    if (isKnown) kept += 1;
    if (!isSame && !(isKnown && isEqual(former, value))) put(patch, key, diffJson(isKnown ? former : undefined, value));
  }
  if (kept < Object.keys(before).length) removeMissing(patch, before, after);
  return patch;
};

const removeMissing = (patch: Record<string, unknown>, before: JsonObject, after: JsonObject): void => {
  for (const key of Object.keys(before)) {
    if (before[key] !== undefined && (!Object.hasOwn(after, key) || after[key] === undefined)) put(patch, key, null);
  }
};

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isSet = (patch: JsonObject): boolean => {
  const keys = Object.keys(patch);
  return keys.length === 1 && keys[0] === SET;
};

/** A plain assignment to `__proto__` would change the prototype and lose the property. */
const put = (target: Record<string, unknown>, key: string, value: unknown): void => {
  if (key === '__proto__')
    Object.defineProperty(target, key, { value, enumerable: true, writable: true, configurable: true });
  else target[key] = value;
};

const isEqual = (left: unknown, right: unknown): boolean => {
  if (left === right) return true;
  if (Array.isArray(left) && Array.isArray(right)) {
    return left.length === right.length && left.every((item, index) => isEqual(item, right[index]));
  }
  if (!isObject(left) || !isObject(right)) return false;
  const keys = definedKeys(left);
  return (
    keys.length === definedKeys(right).length &&
    keys.every((key) => Object.hasOwn(right, key) && isEqual(left[key], right[key]))
  );
};

const definedKeys = (value: JsonObject): string[] => Object.keys(value).filter((key) => value[key] !== undefined);
