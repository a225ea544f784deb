/**
 * Goal: dragging through time asks for as little as possible and ends at the moment that was wanted last.
 * Method: answers that the test gives when it likes.
 */
import { expect, test } from 'vitest';
import type { Overview } from '../../../src/operations/read-models/overview.ts';
import { createPast } from '../../../visualizations/src/connection/past.ts';
import { fixtureItems, fixtureOverview } from '../fixture-project.ts';

const now = 1_700_000_000_000;
const overview = (seq: number): Overview => fixtureOverview(fixtureItems('empty', now), { seq, lastSeq: 1_000, now });

const setUp = () => {
  const asked: { seq: number; answer: (value: Overview) => void; fail: (error: Error) => void }[] = [];
  const past = createPast(
    async (seq) =>
      new Promise<Overview>((answer, fail) => {
        asked.push({ seq, answer, fail });
      }),
  );
  return {
    past,
    asked,
    answer: async (index: number): Promise<void> => {
      asked[index]!.answer(overview(asked[index]!.seq));
      for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
    },
  };
};

test('P1: one request at a time, and of those wanted meanwhile only the last', async () => {
  const it = setUp();
  for (const seq of [10, 20, 30, 40]) it.past.want(seq);
  expect(it.asked.map(({ seq }) => seq)).toEqual([10]);
  await it.answer(0);
  expect(it.asked.map(({ seq }) => seq)).toEqual([10, 40]);
  expect(it.past.view()).toMatchObject({ isPending: true, moment: { seq: 10 } });
  await it.answer(1);
  expect(it.past.view()).toMatchObject({ isPending: false, moment: { seq: 40 } });
});

test('P2: the moment that was shown stays until the next one is there', async () => {
  const it = setUp();
  it.past.want(10);
  await it.answer(0);
  it.past.want(11);
  expect(it.past.view()).toMatchObject({ isPending: true, moment: { seq: 10 } });
});

test('a moment that was read is shown again without a request', async () => {
  const it = setUp();
  it.past.want(10);
  await it.answer(0);
  it.past.want(11);
  await it.answer(1);
  it.past.want(10);
  expect(it.past.view()).toMatchObject({ isPending: false, moment: { seq: 10 } });
  expect(it.asked).toHaveLength(2);
});

test('back to now shows nothing of the past, also when an answer comes late', async () => {
  const it = setUp();
  it.past.want(10);
  it.past.want(null);
  await it.answer(0);
  expect(it.past.view()).toEqual({ moment: null, isPending: false, error: null });
});

test('a moment that cannot be read says so, and can be asked for again', async () => {
  const it = setUp();
  it.past.want(10);
  it.asked[0]!.fail(new Error('no such entry'));
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
  expect(it.past.view()).toMatchObject({ isPending: false, error: { message: 'no such entry' } });
  it.past.want(10);
  expect(it.asked).toHaveLength(2);
});
