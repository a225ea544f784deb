/** Whose journal is looked at: one thing, one objective with all in it, or the project. */
import { kindOfId, type ActorKind } from '../../../src/machines/ids.ts';
import type { FeedEntry } from '../../../src/hosts/inspector/protocol.ts';

export type JournalScope =
  | { readonly kind: 'project' }
  /** Everything in it. */
  | { readonly kind: 'objective'; readonly id: string }
  /** What that machine itself did. */
  | { readonly kind: 'actor'; readonly id: string; readonly actorKind: ActorKind };

export const PROJECT_SCOPE: JournalScope = { kind: 'project' };

/** Unknown ids give the project: a scrubber over nothing helps nobody. */
export function scopeOfId(id: string, whole: 'machine' | 'contents'): JournalScope {
  const actorKind = kindOfId(id);
  if (actorKind === null) return PROJECT_SCOPE;
  if (actorKind === 'objective' && whole === 'contents') return { kind: 'objective', id };
  return { kind: 'actor', id, actorKind };
}

/** Filter of `conductor_list_events`. */
export function scopeParams(scope: JournalScope): Readonly<Record<string, string>> {
  if (scope.kind === 'project') return {};
  return scope.kind === 'objective' ? { objectiveId: scope.id } : { id: scope.id };
}

/** What the feed is asked for: it tells all that `isInScope`, and may tell more. */
export const watchedBy = (scope: JournalScope): string | null => (scope.kind === 'project' ? null : scope.id);

export function isInScope(scope: JournalScope, entry: FeedEntry): boolean {
  if (scope.kind === 'project') return true;
  return scope.kind === 'objective'
    ? entry.objectiveId === scope.id || entry.actor === scope.id
    : entry.actor === scope.id;
}

export const scopeKey = (scope: JournalScope): string =>
  scope.kind === 'project' ? 'project' : `${scope.kind}:${scope.id}`;

export function scopeName(scope: JournalScope): string {
  if (scope.kind === 'project') return 'the whole project';
  return scope.kind === 'objective' ? 'this objective' : `this ${scope.actorKind}`;
}
