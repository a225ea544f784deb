/**
 * Goal: what a view holds of a journal is one stretch in order, jumps stop where they say, and an entry's words are the entry's.
 * Method: made-up entries; pages are cut from an array as the operation would.
 */
import { describe, expect, test } from 'vitest';
import type { FeedEntry } from '../../../src/hosts/inspector/protocol.ts';
import { eventSentence, eventWords, landmarkOf } from '../../../visualizations/src/moment/event-words.ts';
import {
  findAfter,
  JUMP_PAGES_MAX,
  PAGE_ENTRIES,
  pageParams,
  type ReadPage,
} from '../../../visualizations/src/moment/journal-pages.ts';
import { densityBars, sampleStarts, SAMPLES_MAX } from '../../../visualizations/src/moment/journal-density.ts';
import { isInScope, scopeOfId, scopeParams } from '../../../visualizations/src/moment/journal-scope.ts';
import { begunJournal, changedJournal, type JournalChange } from '../../../visualizations/src/moment/journal-state.ts';
import {
  EMPTY_STRETCH,
  ENTRIES_MAX,
  indexAt,
  withNewer,
  withOlder,
} from '../../../visualizations/src/moment/journal-stretch.ts';

const entry = (seq: number, more: Partial<FeedEntry> = {}): FeedEntry => ({
  seq,
  at: seq * 1_000,
  commit: seq,
  kind: 'transition',
  actor: `task-${'0'.repeat(20)}`,
  machine: 'task',
  version: '1',
  event: { type: 'task.start' },
  from: 'ready',
  to: 'running',
  taken: [],
  principal: 'system',
  objectiveId: null,
  taskId: null,
  runId: null,
  reason: null,
  ...more,
});
const entries = (from: number, to: number): FeedEntry[] =>
  Array.from({ length: to - from + 1 }, (_, index) => entry(from + index));
const seqs = (list: readonly FeedEntry[]): number[] => list.map(({ seq }) => seq);

const pagesOf =
  (all: readonly FeedEntry[], counts = { reads: 0 }): ReadPage =>
  async (wanted) => {
    counts.reads += 1;
    const limit = wanted.limit ?? PAGE_ENTRIES;
    if ('after' in wanted) return all.filter(({ seq }) => seq > wanted.after).slice(0, limit);
    return all.filter(({ seq }) => seq <= (wanted.until ?? Infinity)).slice(-limit);
  };

const isTrouble = (one: FeedEntry): boolean => landmarkOf(one) !== null;

describe('a stretch', () => {
  test('J1: is in order and has each entry once, whoever brought it first', () => {
    const live = withNewer({ entries: entries(1, 5), isStart: true }, [entry(7), entry(6), entry(5), entry(6)]);
    expect(seqs(live.entries)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(withNewer(live, [entry(3)])).toBe(live);
    const older = withOlder({ entries: entries(5, 6), isStart: false }, [entry(4), entry(3), entry(5)], true);
    expect(seqs(older.entries)).toEqual([3, 4, 5, 6]);
    expect(older.isStart).toBe(true);
  });

  test('J2: what grows beyond its limit forgets the oldest, and no longer begins at the start', () => {
    const full = withNewer(EMPTY_STRETCH, entries(1, ENTRIES_MAX));
    const grown = withNewer({ ...full, isStart: true }, [entry(ENTRIES_MAX + 1)]);
    expect(grown.entries).toHaveLength(ENTRIES_MAX);
    expect(grown.entries[0]?.seq).toBe(2);
    expect(grown.isStart).toBe(false);
  });

  test('the entry of a moment is the newest at or before it', () => {
    const some = [entry(2), entry(4), entry(9)];
    expect([1, 2, 3, 4, 8, 9, 10].map((seq) => indexAt(some, seq))).toEqual([-1, 0, 0, 1, 1, 2, 2]);
  });
});

describe('pages', () => {
  test('are asked for forwards by a number, backwards by a last one, and from the end', () => {
    expect(pageParams({ after: 7 })).toEqual({ afterSequence: 7, limit: PAGE_ENTRIES });
    expect(pageParams({ until: 9, limit: 1 })).toEqual({ tail: true, until: 9, limit: 1 });
    expect(pageParams({ until: null })).toEqual({ tail: true, limit: PAGE_ENTRIES });
  });

  test('a jump finds the next match beyond the first page, says when there is none, and how far it looked', async () => {
    const all = entries(1, 450).map((one) => (one.seq === 333 ? entry(333, { to: 'failed' }) : one));
    expect(await findAfter(pagesOf(all), 10, isTrouble)).toMatchObject({ kind: 'found', entry: { seq: 333 } });
    expect(await findAfter(pagesOf(all), 333, isTrouble)).toEqual({ kind: 'none' });
    const counts = { reads: 0 };
    const endless = entries(1, JUMP_PAGES_MAX * PAGE_ENTRIES + 1);
    expect(await findAfter(pagesOf(endless, counts), 0, isTrouble)).toEqual({
      kind: 'unfinished',
      at: JUMP_PAGES_MAX * PAGE_ENTRIES,
    });
    expect(counts.reads).toBe(JUMP_PAGES_MAX);
  });
});

describe('a scope', () => {
  const runId = `run-${'1'.repeat(20)}`;
  const objectiveId = `objective-${'2'.repeat(20)}`;
  test('holds what a machine did, or everything of an objective, or the project', () => {
    const machine = scopeOfId(runId, 'machine');
    expect(scopeParams(machine)).toEqual({ id: runId });
    expect(isInScope(machine, entry(1, { actor: runId }))).toBe(true);
    expect(isInScope(machine, entry(1, { runId }))).toBe(false);
    const whole = scopeOfId(objectiveId, 'contents');
    expect(scopeParams(whole)).toEqual({ objectiveId });
    expect(isInScope(whole, entry(1, { objectiveId }))).toBe(true);
    expect(isInScope(whole, entry(1, { actor: objectiveId }))).toBe(true);
    expect(isInScope(whole, entry(1))).toBe(false);
    expect(scopeParams(scopeOfId(objectiveId, 'machine'))).toEqual({ id: objectiveId });
    expect(scopeParams(scopeOfId('<script>', 'machine'))).toEqual({});
  });
});

describe('words', () => {
  test('say the change, and mark what a model wrote', () => {
    expect(eventWords(entry(1))).toEqual({
      event: 'task.start',
      change: 'ready → running',
      text: null,
      byAgent: false,
    });
    const progress = entry(1, { event: { type: 'child.progress', text: 'half' }, to: 'ready' });
    expect(eventWords(progress)).toMatchObject({ change: null, text: 'half', byAgent: true });
    expect(eventWords(entry(1, { from: null, to: 'open', machine: 'gate' })).change).toBe('created as open');
  });

  test('of what was refused give the reason of the system, not the words of the event', () => {
    const refused = entry(1, { kind: 'rejected', reason: 'old_epoch', event: { type: 'child.progress', text: 'x' } });
    expect(eventWords(refused)).toEqual({ event: 'child.progress', change: null, text: 'old_epoch', byAgent: false });
    expect(eventSentence(refused)).toBe('task child.progress, refused, old_epoch');
  });

  test.each([
    [{ to: 'failed' }, 'failure'],
    [{ machine: 'run', to: 'unknown_dispatch' }, 'failure'],
    [{ machine: 'worker', to: 'broken' }, 'failure'],
    [{ machine: 'gate', from: null, to: 'open' }, 'gate'],
    [{ machine: 'gate', from: 'open', to: 'approved' }, null],
    [{ from: 'failed', to: 'failed' }, null],
    [{ kind: 'rejected', to: 'failed' }, null],
  ] as const)('%j is a landmark: %s', (more, landmark) => {
    expect(landmarkOf(entry(1, more))).toBe(landmark);
  });
});

describe('density', () => {
  test('D1: a bar is as high as its share of the entries, and shows the worst of them', () => {
    const some = [1, 2, 3, 4, 91, 92].map((seq) => entry(seq, seq === 91 ? { to: 'failed' } : {}));
    const bars = densityBars({ first: 1, last: 100 }, [{ first: 1, last: 100, entries: some }], {
      bars: 10,
      by: 'count',
    });
    expect(bars.map(({ height }) => height > 0)).toEqual([true, ...Array.from({ length: 8 }, () => false), true]);
    expect(bars[0]!.height).toBe(1);
    expect(bars[9]!.height).toBeLessThan(1);
    expect(bars.map(({ landmark }) => landmark)).toEqual([...Array.from({ length: 9 }, () => null), 'failure']);
  });

  test('D2: of the project it is the pace', () => {
    const slow = entries(1, 50);
    const fast = Array.from({ length: 50 }, (_, index) => entry(51 + index, { at: 50_000 + index * 10 }));
    const sample = { first: 1, last: 100, entries: [...slow, ...fast] };
    const bars = densityBars({ first: 1, last: 100 }, [sample], { bars: 4, by: 'rate' });
    expect(bars[2]!.height).toBeGreaterThan(3 * bars[0]!.height);
  });

  test('samples of a long journal begin all along it, each once', () => {
    expect(sampleStarts({ first: 1, last: 1_000_000 })).toHaveLength(SAMPLES_MAX);
    expect(sampleStarts({ first: 5, last: 6 })).toEqual([4, 5]);
  });
});

const after = (...changes: readonly JournalChange[]) => changes.reduce(changedJournal, begunJournal('scope'));

describe('a journal whose feed left entries out', () => {
  const shown: JournalChange = { kind: 'newer', entries: entries(1, 120), isFirst: true };
  const left: readonly JournalChange[] = [
    { kind: 'gap', after: 120 },
    { kind: 'began', key: 'scope' },
  ];

  test('U2: shows what it held while it reads again', () => {
    const { state, stretch } = after(shown, ...left);
    expect(state).toBe('ready');
    expect(seqs(stretch.entries)).toEqual(seqs(entries(1, 120)));
  });

  test('U1: keeps what the page reaches back to, and what came meanwhile', () => {
    const live: JournalChange = { kind: 'newer', entries: entries(161, 165) };
    const page: JournalChange = { kind: 'newer', entries: entries(61, 160), isFirst: true };
    const { stretch } = after(shown, ...left, live, page);
    expect(seqs(stretch.entries)).toEqual(seqs(entries(1, 165)));
  });

  test('U1: lets go what the page does not reach back to, also when entries after the gap were heard first', () => {
    const live: JournalChange = { kind: 'newer', entries: entries(300, 305) };
    const page: JournalChange = { kind: 'newer', entries: entries(206, 305), isFirst: true };
    const { stretch } = after(shown, live, ...left, page);
    expect(seqs(stretch.entries)).toEqual(seqs(entries(206, 305)));
    expect(stretch.isStart).toBe(false);
  });

  test('U1: a gap that cannot be read is a failure, and another scope begins anew', () => {
    const failed = after(shown, ...left, { kind: 'failed', error: new Error('away') });
    expect([failed.state, failed.stretch.entries.length]).toEqual(['failed', 0]);
    expect(after(shown, { kind: 'began', key: 'other' })).toEqual(begunJournal('other'));
  });
});
