/**
 * A context as rows of a tree, with what the last step did to it.
 *
 * T1. Every value that differs is marked where it differs, and every branch above it says so while it is closed.
 * T2. What was removed stays as a row, so that it can be seen.
 * T3. Members of a list that have ids go by them: one that comes or goes does not make those behind it look changed.
 */
export type ContextMark = 'added' | 'changed' | 'removed';

export type ContextRow = {
  /** Names from the root, joined so that no two paths are the same. */
  readonly path: string;
  readonly depth: number;
  readonly name: string;
  readonly mark: ContextMark | null;
  /** A branch that holds something changed. */
  readonly hasChange: boolean;
  /** Null: a branch. */
  readonly value: LeafValue | null;
  /** The value before, of what changed. */
  readonly before: LeafValue | null;
  /** Members of a branch. */
  readonly size: number;
  readonly isList: boolean;
  readonly isOpen: boolean;
};
export type LeafValue = string | number | boolean | null;

type Json = LeafValue | readonly Json[] | { readonly [name: string]: Json };
type Pair = { readonly before: Json | undefined; readonly now: Json | undefined };
type Place = { readonly path: string; readonly depth: number; readonly name: string };

/** Members of one branch that are shown; the rest is counted. */
export const MEMBERS_MAX = 200;

const isBranch = (value: Json | undefined): value is readonly Json[] | { readonly [name: string]: Json } =>
  typeof value === 'object' && value !== null;
const isEmptyBranch = (value: Json): boolean => isBranch(value) && Object.keys(value).length === 0;
const same = (a: Json | undefined, b: Json | undefined): boolean => a === b || JSON.stringify(a) === JSON.stringify(b);

/**
 * @param previous Null: nothing is marked.
 * @param toggled Paths whose branch is not as it is at first: open at the top and where something changed, else closed.
 */
export function contextRows(
  current: Readonly<Record<string, unknown>>,
  previous: Readonly<Record<string, unknown>> | null,
  toggled: ReadonlySet<string>,
): readonly ContextRow[] {
  const now = current as Json;
  const before = previous === null ? now : (previous as Json);
  return membersOf({ before, now }).flatMap(([name, pair]) => rowsOf(pair, { path: name, depth: 0, name }, toggled));
}

/** How many values the last step added, changed or removed. */
export const changeCount = (rows: readonly ContextRow[]): number => rows.filter(({ mark }) => mark !== null).length;

function membersOf(pair: Pair): readonly (readonly [string, Pair])[] {
  const { before, now } = byId(pair) ?? byName(pair);
  const names = [...new Set([...now.keys(), ...before.keys()])];
  return names.map((name) => [name, { before: before.get(name), now: now.get(name) }]);
}

type Members = ReadonlyMap<string, Json>;
type MembersPair = { readonly before: Members; readonly now: Members };

const byName = ({ before, now }: Pair): MembersPair => ({
  before: new Map(isBranch(before) ? Object.entries(before) : []),
  now: new Map(isBranch(now) ? Object.entries(now) : []),
});

/** @returns Null where not all members of both lists have ids of their own. */
function byId(pair: Pair): MembersPair | null {
  const before = membersWithIds(pair.before);
  const now = membersWithIds(pair.now);
  return before === null || now === null ? null : { before, now };
}

function membersWithIds(value: Json | undefined): Members | null {
  if (!isBranch(value)) return new Map();
  if (!Array.isArray(value)) return null;
  const members = new Map((value as readonly Json[]).flatMap((member) => (hasId(member) ? [[member.id, member]] : [])));
  return members.size === value.length ? members : null;
}

const hasId = (value: Json): value is { readonly id: string } =>
  isBranch(value) && typeof Reflect.get(value, 'id') === 'string';

function rowsOf(pair: Pair, place: Place, toggled: ReadonlySet<string>): readonly ContextRow[] {
  const mark = markOf(pair);
  const shown = pair.now ?? pair.before ?? null;
  if (!isBranch(shown) || isEmptyBranch(shown)) return [leafRow(pair, place, mark)];
  const members = membersOf(pair);
  const hasChange = !same(pair.before, pair.now);
  const isOpen = (hasChange && mark === null) !== toggled.has(place.path);
  const row: ContextRow = {
    ...place,
    mark,
    hasChange,
    value: null,
    before: null,
    size: members.length,
    isList: Array.isArray(shown),
    isOpen,
  };
  if (!isOpen) return [row];
  const inner = members.slice(0, MEMBERS_MAX).flatMap(([name, member]) => {
    const path = `${place.path}\u0000${name}`;
    return rowsOf(member, { path, depth: place.depth + 1, name }, toggled);
  });
  return [row, ...inner];
}

const leafRow = (pair: Pair, place: Place, mark: ContextMark | null): ContextRow => ({
  ...place,
  mark,
  hasChange: mark !== null,
  value: leafOf(pair.now ?? pair.before ?? null),
  before: mark === 'changed' ? leafOf(pair.before ?? null) : null,
  size: 0,
  isList: false,
  isOpen: false,
});

/** A branch that became a value, or the other way round, is shown by its text. */
const leafOf = (value: Json): LeafValue => (isBranch(value) ? JSON.stringify(value) : value);

function markOf({ before, now }: Pair): ContextMark | null {
  if (before === undefined) return 'added';
  if (now === undefined) return 'removed';
  if (isBranch(before) && isBranch(now) && !isEmptyBranch(before) && !isEmptyBranch(now)) return null;
  return same(before, now) ? null : 'changed';
}

const ID = /^(?:objective|task|worker|run|gate)-[0-9abcdefghjkmnpqrstvwxyz]{20}$/;
export const isEntityId = (value: unknown): value is string => typeof value === 'string' && ID.test(value);

/** Ids that a context names at its top, without its own, each once. */
export function relatedIds(context: Readonly<Record<string, unknown>>, own: string): readonly string[] {
  const found = Object.values(context)
    .flatMap((value) => (Array.isArray(value) ? (value as unknown[]).slice(0, MEMBERS_MAX) : [value]))
    .filter(isEntityId);
  return [...new Set(found)].filter((id) => id !== own);
}
