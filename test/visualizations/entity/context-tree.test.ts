/**
 * Goal: what the last step did to a context is seen at the place where it did it.
 * Method: contexts before and after; one property over made-up JSON.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { changeCount, contextRows, relatedIds } from '../../../visualizations/src/views/entity/context-tree.ts';

const none = new Set<string>();
const marks = (before: object | null, now: object) =>
  contextRows(now as never, before as never, none).map(({ name, mark, hasChange }) => [name, mark, hasChange]);

describe('the tree of a context', () => {
  test('T1: marks what was added, changed and removed, in branches too', () => {
    const before = { same: 1, other: 'a', gone: true, deep: { x: 1, y: 2 } };
    const now = { same: 1, other: 'b', deep: { x: 1, y: 3 }, fresh: null };
    expect(marks(before, now)).toEqual([
      ['same', null, false],
      ['other', 'changed', true],
      ['deep', null, true],
      ['x', null, false],
      ['y', 'changed', true],
      ['fresh', 'added', true],
      ['gone', 'removed', true],
    ]);
  });

  test('T2: what was removed keeps its value, what changed has both', () => {
    const rows = contextRows({ a: 2 }, { a: 1, b: 'was' }, none);
    expect(rows).toMatchObject([
      { name: 'a', value: 2, before: 1 },
      { name: 'b', value: 'was', mark: 'removed' },
    ]);
  });

  test('a branch that becomes a value, and an empty one, are values', () => {
    expect(marks({ a: { x: 1 } }, { a: null })).toEqual([['a', 'changed', true]]);
    expect(contextRows({ list: [] }, { list: [1] }, none)).toMatchObject([
      { value: '[]', mark: 'changed', before: '[1]' },
    ]);
  });

  test('T3: members of a list go by their ids, so that one that leaves does not change the others', () => {
    const before = {
      children: [
        { id: 'runs', pid: 1 },
        { id: 'rpc', pid: 2 },
      ],
    };
    const now = { children: [{ id: 'rpc', pid: 3 }] };
    expect(marks(before, now)).toEqual([
      ['children', null, true],
      ['rpc', null, true],
      ['id', null, false],
      ['pid', 'changed', true],
      ['runs', 'removed', true],
    ]);
  });

  test.each([
    ['twice the same id', [{ id: 'a' }, { id: 'a' }]],
    ['one without', [{ id: 'a' }, { pid: 1 }]],
    ['no records', [['a'], ['b']]],
  ])('T3: %s: numbered', (_what, list) => {
    expect(contextRows({ list }, null, new Set(['list'])).map(({ name }) => name)).toEqual(['list', '0', '1']);
  });

  test('a branch opens and closes; names with dots are not mixed up', () => {
    const value = { a: { 'b.c': 1 }, 'a.b': { c: 1 } };
    expect(contextRows(value, null, none)).toHaveLength(2);
    expect(contextRows(value, null, new Set(['a'])).map(({ name }) => name)).toEqual(['a', 'b.c', 'a.b']);
  });

  test('without a before nothing is marked, and paths are unique', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })), (value) => {
        const all = new Set(contextRows(value, null, none).map(({ path }) => path));
        const rows = contextRows(value, null, all);
        expect(changeCount(rows)).toBe(0);
        expect(new Set(rows.map(({ path }) => path)).size).toBe(rows.length);
      }),
    );
  });
});

test('related ids are those at the top, each once, without its own', () => {
  const [run, task, gate] = [`run-${'0'.repeat(20)}`, `task-${'0'.repeat(20)}`, `gate-${'1'.repeat(20)}`];
  expect(relatedIds({ runId: run, taskId: task, again: task, gates: [gate, 3], title: 'task-1' }, run)).toEqual([
    task,
    gate,
  ]);
});
