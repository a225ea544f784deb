/**
 * Goal: the live picture fits every terminal and says who waits for whom.
 * Method: views made of short journals, rendered without colours; a property over widths, heights and hostile titles.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ObjectiveView } from '../../../../src/hosts/cli/live/objective-view.ts';
import { placeTasks, renderFrame, type Frame } from '../../../../src/hosts/cli/live/run-frame.ts';
import { textWidth } from '../../../../src/hosts/cli/output/text-width.ts';
import { idOf, JournalBuilder, OBJECTIVE } from '../journal.ts';
import { NOW } from '../surroundings.ts';

const style = { paint: (_tone: string, text: string) => text, unicode: true };
const frame = (given: Partial<Frame> = {}): Frame => ({
  columns: 80,
  rows: 24,
  now: NOW,
  style,
  notice: null,
  ...given,
});

const viewOf = (journal: JournalBuilder, plan: Record<string, readonly string[]> = {}): ObjectiveView => {
  const view = new ObjectiveView(OBJECTIVE, 0, new Map(Object.entries(plan)));
  for (const entry of journal.entries) view.apply(entry);
  return view;
};

const busy = new JournalBuilder()
  .objective('active')
  .task('build', 'completed', {
    lastRunId: idOf('run', 'build'),
    branch: 'conductor/ship-it/build',
    commit: 'a'.repeat(40),
  })
  .run('build', 'succeeded', { endedAt: NOW - 2_000 })
  .task('test', 'running', { activeRunId: idOf('run', 'test'), progress: '120 of 400 tests' })
  .run('test', 'running')
  .task('ask', 'running', { activeRunId: idOf('run', 'ask') })
  .gate('ask', 'open', { gateType: 'needs_input', ask: 'Which of the two?' })
  .run('ask', 'waiting_input', { waitingGateId: idOf('gate', 'ask') })
  .task('again', 'ready', { bucket: 'delayed', notBefore: NOW + 12_000, reason: 'exit code 3' })
  .task('publish', 'ready', { bucket: 'waiting' })
  .task('slot', 'ready');
const busyPlan = { build: [], test: ['build'], ask: ['build'], again: [], publish: ['build', 'test', 'ask'], slot: [] };

test('the picture at 80 columns', () => {
  expect(renderFrame(viewOf(busy, busyPlan), frame()).join('\n')).toMatchInlineSnapshot(`
    "Ship it  active  1/6  1m05s
    ✓ build        completed    3s     conductor/ship-it/build aaaaaaaaaa
    ▶   test       running      5s     “120 of 400 tests”
    ○     publish  waiting             after test, ask
    ?   ask        asks         5s     Which of the two?
    ○ again        delayed             again in 12s: exit code 3
    ○ slot         ready               waits for a slot
    1 open gate: conductor gate answer gate-00000000000000000ask"
  `);
});

test('a notice stands below the tasks', () => {
  expect(renderFrame(viewOf(busy, busyPlan), frame({ notice: 'connecting again' })).at(-1)).toBe('connecting again');
});

test('a task stands below the last of its dependencies', () => {
  const depths = placeTasks(viewOf(busy, busyPlan)).map(
    ({ task, depth }) => `${task.context.planId ?? ''} ${String(depth)}`,
  );
  expect(depths).toEqual(['build 0', 'test 1', 'publish 2', 'ask 1', 'again 0', 'slot 0']);
});

test('a chain of a thousand tasks is placed, not overflowed', () => {
  const names = Array.from({ length: 1_000 }, (_, index) => `t${String(index)}`);
  const journal = new JournalBuilder().objective('active');
  for (const name of names.toReversed()) journal.task(name, 'ready', { bucket: 'waiting' });
  const plan = Object.fromEntries(names.map((name, index) => [name, index === 0 ? [] : [names[index - 1]!]]));
  expect(placeTasks(viewOf(journal, plan)).map(({ depth }) => depth)).toEqual(names.map((_, index) => index));
});

describe('F2: too many lines are folded', () => {
  const many = new JournalBuilder().objective('active');
  for (let index = 0; index < 30; index += 1) many.task(`done${String(index)}`, 'completed');
  for (let index = 0; index < 6; index += 1) many.task(`run${String(index)}`, 'running');
  for (let index = 0; index < 30; index += 1) many.task(`wait${String(index)}`, 'ready', { bucket: 'waiting' });

  test('completed tasks first', () => {
    const lines = renderFrame(viewOf(many), frame({ rows: 40 }));
    expect(lines[1]).toBe('  30 completed tasks');
    expect(lines).toHaveLength(38);
  });

  test('then what waits', () => {
    const lines = renderFrame(viewOf(many), frame({ rows: 12 }));
    expect(lines.slice(1, 3)).toEqual(['  30 completed tasks', '  30 waiting tasks']);
    expect(lines.filter((line) => line.includes('running'))).toHaveLength(6);
  });

  test('then the end of the list', () => {
    const lines = renderFrame(viewOf(many), frame({ rows: 7 }));
    expect(lines.at(-1)).toBe('  and 4 tasks more');
    expect(lines.length).toBeLessThanOrEqual(6);
  });
});

test('F1: no picture is wider or higher than its terminal, whatever tasks are called', () => {
  const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 });
  const state = fc.constantFrom('ready', 'running', 'completed', 'failed', 'needs_review');
  const tasks = fc.array(fc.record({ title: text, state, reason: text, progress: text }), {
    minLength: 1,
    maxLength: 40,
  });
  fc.assert(
    fc.property(tasks, fc.integer({ min: 10, max: 200 }), fc.integer({ min: 2, max: 50 }), (list, columns, rows) => {
      const journal = new JournalBuilder().objective('active', { title: list[0]!.title });
      list.forEach((task, index) =>
        journal.task(`t${String(index)}`, task.state, {
          planId: index % 2 === 0 ? null : `t${String(index)}`,
          ...task,
        }),
      );
      const lines = renderFrame(viewOf(journal), frame({ columns, rows }));
      expect(lines.length).toBeLessThanOrEqual(rows - 1);
      for (const line of lines) expect(textWidth(line)).toBeLessThanOrEqual(columns);
    }),
    { numRuns: 200 },
  );
});
