/**
 * Goal: `run` knows from the journal alone what moves, what rests, and how it ends.
 * Method: short journals, folded; each rule of rest and each exit code by name.
 */
import { describe, expect, test } from 'vitest';
import { exitCodeOfView, isAtRest, ObjectiveView, waitsFor } from '../../../../src/hosts/cli/live/objective-view.ts';
import { idOf, JournalBuilder, OBJECTIVE } from '../journal.ts';

const viewOf = (
  build: (journal: JournalBuilder) => JournalBuilder,
  plan: Record<string, string[]> = {},
): ObjectiveView => {
  const view = new ObjectiveView(OBJECTIVE, 0, new Map(Object.entries(plan)));
  for (const entry of build(new JournalBuilder().objective('active')).entries) view.apply(entry);
  return view;
};

describe('V1: the view is the fold of the journal', () => {
  test('an entry that comes again changes nothing', () => {
    const journal = new JournalBuilder().objective('active').task('a', 'ready').task('a', 'running');
    const view = new ObjectiveView(OBJECTIVE, 0);
    for (const entry of [...journal.entries, ...journal.entries]) view.apply(entry);
    expect(view.tasks.map(({ state }) => state)).toEqual(['running']);
    expect(view.apply(journal.entries[0]!)).toBe(false);
  });

  test('entries of other objectives are passed over, and count for where to go on', () => {
    const view = new ObjectiveView(OBJECTIVE, 0);
    const [entry] = new JournalBuilder().task('a', 'ready').entries;
    expect(view.apply({ ...entry!, objectiveId: 'objective-0', seq: 9 })).toBe(false);
    expect(view).toMatchObject({ lastSeq: 9, tasks: [] });
  });

  test('a patch keeps what it does not name', () => {
    const view = viewOf((journal) =>
      journal.task('a', 'ready', { title: 'Title' }).task('a', 'running', { title: 'Title' }),
    );
    expect(view.tasks[0]?.context.title).toBe('Title');
  });

  test('a full copy that is too large for the journal still tells the state', () => {
    const view = viewOf((journal) => journal.task('a', 'ready'));
    const [, entry] = new JournalBuilder().task('a', 'ready').task('a', 'failed').entries;
    view.apply({ ...entry!, seq: 99, patch: { blob: 'f'.repeat(64) } });
    expect(view.tasks[0]?.state).toBe('failed');
  });
});

/** `b` waits for `a`, which is in this state. */
const restsAfter = (state: string): boolean =>
  isAtRest(viewOf((journal) => journal.task('a', state).task('b', 'ready', { bucket: 'waiting' }), { b: ['a'] }));

describe('V2: at rest means that nothing can move without a person', () => {
  test.each<[string, boolean, (journal: JournalBuilder) => JournalBuilder]>([
    ['nothing is known yet', false, (journal) => journal],
    ['a task is ready', false, (journal) => journal.task('a', 'ready')],
    ['a task is due later', false, (journal) => journal.task('a', 'ready', { bucket: 'delayed' })],
    [
      'a task runs',
      false,
      (journal) => journal.task('a', 'running', { activeRunId: idOf('run', 'a') }).run('a', 'running'),
    ],
    ['all are completed', true, (journal) => journal.task('a', 'completed')],
    ['one failed', true, (journal) => journal.task('a', 'failed')],
    [
      'the only run waits for an answer',
      true,
      (journal) => journal.task('a', 'running', { activeRunId: idOf('run', 'a') }).run('a', 'waiting_input'),
    ],
    [
      'one run waits, another runs',
      false,
      (journal) =>
        journal
          .task('a', 'running', { activeRunId: idOf('run', 'a') })
          .run('a', 'waiting_input')
          .task('b', 'running'),
    ],
    [
      'what is ready needs a worker that is held for a task in review',
      true,
      (journal) =>
        journal
          .worker('w', 'idle', { name: 'w', heldFor: idOf('task', 'a') })
          .task('a', 'needs_review', { workerName: 'w' })
          .task('b', 'ready', { workerName: 'w' }),
    ],
    [
      'what is ready needs a worker that is only busy',
      false,
      (journal) =>
        journal
          .worker('w', 'busy', { name: 'w', heldFor: null })
          .task('a', 'needs_review', { workerName: 'w' })
          .task('b', 'ready', { workerName: 'w' }),
    ],
  ])('%s: %s', (_name, rests, build) => {
    expect(isAtRest(viewOf(build))).toBe(rests);
  });

  test('a task whose last dependency has just completed is about to move', () => {
    expect({ completed: restsAfter('completed'), needs_review: restsAfter('needs_review') }).toEqual({
      completed: false,
      needs_review: true,
    });
  });

  test('what a task waits for are the dependencies that are not completed', () => {
    const view = viewOf((journal) => journal.task('a', 'completed').task('b', 'running').task('c', 'ready'), {
      c: ['a', 'b'],
    });
    expect(waitsFor(view, view.tasks[2]!)).toEqual(['b']);
  });
});

test.each<[number, string, (journal: JournalBuilder) => JournalBuilder]>([
  [0, 'all completed', (journal) => journal.task('a', 'completed').task('b', 'completed')],
  [1, 'failed', (journal) => journal.task('a', 'completed').task('b', 'failed')],
  [1, 'blocked', (journal) => journal.task('a', 'blocked')],
  [1, 'canceled', (journal) => journal.task('a', 'canceled')],
  [3, 'needs_review beats failed', (journal) => journal.task('a', 'failed').task('b', 'needs_review')],
  [3, 'an open gate beats all', (journal) => journal.task('a', 'completed').gate('a', 'open')],
  [
    0,
    'a gate that was used says nothing',
    (journal) => journal.task('a', 'completed').gate('a', 'open').gate('a', 'used'),
  ],
])('exit code %i: %s', (code, _name, build) => {
  expect(exitCodeOfView(viewOf(build))).toBe(code);
});
