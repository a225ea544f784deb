/**
 * Goal: whoever reads an objective's history sees where it stood, never where it stood between two words of one message.
 * Method: random lives of plans with chains and diamonds; every commit of theirs, entry by entry.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { JournalEntry, StoreReader } from '../../src/persistence/store.ts';
import { openProject, type Project } from './operation-fixture.ts';
import { carryOut, DEEDS } from './random-life.ts';

const deeds = DEEDS.filter((what) => what !== 'archive');
const OFTEN = ['diamond', 'start', 'succeeded', 'succeeded', 'succeeded', 'partial', 'failed', 'red', 'retry'] as const;

/** The states that objectives went through, commit by commit: `active > blocked` is one step. */
const stepsOf = async (reader: StoreReader): Promise<readonly string[]> => {
  const entries: JournalEntry[] = [];
  for (let page = await reader.listJournal({ limit: 1_000 }); page.length > 0;) {
    entries.push(...page);
    page = await reader.listJournal({ limit: 1_000, after: page.at(-1)!.seq });
  }
  const changes = entries.filter(({ machine, from, to }) => machine === 'objective' && from !== null && from !== to);
  const byCommit = Map.groupBy(changes, ({ commit, actor }) => `${String(commit)} ${actor}`);
  return [...byCommit.values()].map((steps) => [steps[0]!.from, ...steps.map(({ to }) => to)].join(' > '));
};

const lifeOf = async (of: Project, picks: readonly (readonly [number, number])[]): Promise<void> => {
  const words = [...deeds, ...OFTEN];
  await carryOut(of, '', { what: 'diamond', pick: 0 });
  for (const [word, pick] of picks) await carryOut(of, '', { what: words[word % words.length]!, pick });
};

test('O1: one message leads an objective from one state to one other', async () => {
  const seen = new Set<string>();
  const picks = fc.array(fc.tuple(fc.nat({ max: 1_000 }), fc.nat({ max: 1_000 })), { minLength: 20, maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(picks, async (drawn) => {
      const project = await openProject();
      try {
        await lifeOf(project, drawn);
        for (const step of await stepsOf(project.store)) {
          seen.add(step);
          expect(step.split(' > '), step).toHaveLength(2);
        }
      } finally {
        await project.close();
      }
    }),
    { numRuns: 60, seed: 4_711 },
  );
  expect([...seen]).toEqual(
    expect.arrayContaining(['active > blocked', 'active > needs_review', 'active > completed', 'blocked > active']),
  );
}, 60_000);

test('O1: a chain that succeeds is active until it is completed', async () => {
  const project = await openProject();
  try {
    const tasks = ['a', 'b', 'c'].map((id, n, ids) => ({
      id,
      run: 'x',
      ...(n === 0 ? {} : { dependsOn: [ids[n - 1]!] }),
    }));
    const made = await project.call('conductor_run_plan', { plan: { objective: 'one by one', tasks } });
    for (const { id } of tasks) await project.runTo(made.tasks[id]!, 'succeeded');
    expect(await stepsOf(project.store)).toEqual(['active > completed']);
  } finally {
    await project.close();
  }
});

test('O1: an accepted task lets the next one go on at once', async () => {
  const project = await openProject();
  try {
    const made = await project.call('conductor_run_plan', {
      plan: {
        objective: 'asked',
        tasks: [
          { id: 'a', run: 'x' },
          { id: 'b', run: 'x', dependsOn: ['a'] },
        ],
      },
    });
    await project.runTo(made.tasks['a']!, 'partial');
    const [gate] = (await project.store.listActors({ kind: 'gate', limit: 1 })).items;
    await project.call('conductor_resolve_gate', {
      gateId: gate!.id,
      status: 'approved',
      resolutionReason: 'fine',
      answer: 'fine',
    });
    expect(await stepsOf(project.store)).toEqual(['active > needs_review', 'needs_review > active']);
  } finally {
    await project.close();
  }
});
