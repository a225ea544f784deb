/**
 * Goal: the past is shown as it was, from memory as from the journal, at a cost that does not depend on the history around it.
 * Method: every moment of random lives against the plainest way to read it, while they go on and after parts of them were archived;
 * a store that counts what is asked of it; what is oldest behind hundreds of others.
 */
import fc from 'fast-check';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Overview, OverviewItems } from '../../src/operations/read-models/overview.ts';
import type { StoreReader } from '../../src/persistence/store.ts';
import { counting, noReads } from './counting-reader.ts';
import { openProject, PLAN, type Project } from './operation-fixture.ts';
import { readPlainPast } from './plain-past.ts';
import { carryOut, DEEDS } from './random-life.ts';

let project: Project;
let folder: string;
beforeEach(async () => {
  project = await openProject();
  folder = mkdtempSync(join(tmpdir(), 'conductor-'));
});
afterEach(async () => {
  await project.close();
  rmSync(folder, { recursive: true });
});

const sorted = (items: OverviewItems): unknown =>
  Object.fromEntries(
    Object.entries(items).map(([kind, list]) => [
      kind,
      (list as readonly object[]).toSorted((a, b) =>
        String(Object.values(a)[0]) < String(Object.values(b)[0]) ? -1 : 1,
      ),
    ]),
  );

/** Most of a life. */
const OFTEN = ['start', 'succeeded', 'succeeded', 'partial', 'failed', 'red', 'retry'] as const;

const expectPlain = async (of: Project, seqs: readonly number[], pick: number): Promise<void> => {
  const plain = await readPlainPast(of.store);
  const objectives = await of.store.listActorIds({ kind: 'objective', limit: 100 });
  const one = objectives[pick % objectives.length];
  for (const seq of seqs) {
    const whole = await of.call('conductor_get_overview', { seq });
    expect(sorted(whole.items), `after ${String(seq)}`).toEqual(sorted(await plain.itemsAt(seq, null)));
    if (one === undefined) continue;
    const part = await of.call('conductor_get_overview', { seq, objectiveId: one });
    expect(sorted(part.items), `${one} after ${String(seq)}`).toEqual(sorted(await plain.itemsAt(seq, one)));
  }
};

describe('every moment', () => {
  test('K1, K2: kept or not, each is as the journal tells it, in any order, while life goes on and parts are archived', async () => {
    let archived = 0;
    const deed = fc.record({ what: fc.constantFrom(...DEEDS, ...OFTEN), pick: fc.nat({ max: 1_000 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(deed, { minLength: 30, maxLength: 60 }), async (deeds) => {
        const lived = await openProject();
        try {
          for (const next of [{ what: 'plan', pick: 0 } as const, ...deeds]) {
            await carryOut(lived, folder, next);
            const past = await lived.store.lastSeq();
            await expectPlain(lived, [past - 1, next.pick % past], next.pick);
          }
          const all = Array.from({ length: await lived.store.lastSeq() }, (_, seq) => seq);
          const mixed = all.toSorted((a, b) => ((a * 7_919) % 1_009) - ((b * 7_919) % 1_009));
          await expectPlain(lived, mixed, deeds[0]!.pick);
          archived += (await lived.store.listArchived({ limit: 10 })).items.length;
        } finally {
          await lived.close();
        }
      }),
      { numRuns: 12, seed: 4_711, endOnFailure: true },
    );
    expect(archived).toBeGreaterThan(0);
  }, 60_000);
});

/** A look at a moment through a reader: what one has seen, another has not. */
const look = async (params: object, reader: StoreReader): Promise<Overview> =>
  project.call('conductor_get_overview', params, { reader });

const gate = async (objectiveId: string | null): Promise<string> => {
  const { gateId } = await project.call('conductor_create_gate', {
    type: 'approval_required',
    requestedDecision: 'may I?',
    ...(objectiveId === null ? {} : { resourceRefs: { objectiveId } }),
  });
  return gateId;
};
const resolve = async (gateId: string): Promise<unknown> =>
  project.call('conductor_resolve_gate', { gateId, status: 'rejected', resolutionReason: 'no' });

describe('what is read', () => {
  test('the same moment again rebuilds nobody, the next one those alone that changed in between', async () => {
    const { tasks } = await project.call('conductor_run_plan', { plan: PLAN });
    await project.runTo(tasks['build']!, 'succeeded');
    await project.runTo(tasks['test']!, 'partial');
    const reads = noReads();
    const reader = counting(project.store, reads);
    const last = await project.store.lastSeq();
    const entries = await project.store.listJournal({ limit: 1_000 });
    await look({ seq: 1 }, reader);
    for (let seq = 2; seq < last; seq += 1) {
      Object.assign(reads, noReads());
      await look({ seq }, reader);
      const { momentsAt } = reads;
      const { actor } = entries[seq - 1]!;
      // A task that names a run brings it with it.
      expect(momentsAt, `${String(seq)}: ${actor}`).toBeLessThanOrEqual(actor.startsWith('task') ? 2 : 1);
      await look({ seq }, reader);
      expect(reads).toMatchObject({ momentsAt });
    }
    Object.assign(reads, noReads());
    for (let seq = last - 1; seq > 0; seq -= 1) await look({ seq }, reader);
    expect(reads).toMatchObject({ momentsAt: 0 });
    expect(reads.lastEntriesAt).toBeGreaterThan(0);
  });

  test('K2: what was archived is gone from every moment, also where it is known', async () => {
    const { objectiveId, tasks } = await project.call('conductor_run_plan', { plan: PLAN });
    for (const task of ['build', 'test']) await project.runTo(tasks[task]!, 'succeeded');
    await project.call('conductor_create_task', { title: 'stays', run: 'x' });
    await project.call('conductor_create_task', { title: 'later', run: 'x' });
    const seq = (await project.store.lastSeq()) - 1;
    expect((await look({ seq }, project.store)).items.tasks).toHaveLength(3);
    await carryOut(project, folder, { what: 'archive', pick: 0 });
    expect(await project.store.findArchived(objectiveId)).not.toBeNull();
    const { items } = await look({ seq }, project.store);
    expect([items.objectives, items.tasks.map(({ title }) => title)]).toEqual([[], ['stays']]);
  });

  test('M2: neither what came before nor what comes after makes a moment dearer', async () => {
    const { objectiveId, tasks } = await project.call('conductor_run_plan', { plan: PLAN });
    const pile = async (count: number): Promise<void> => {
      for (let n = 0; n < count; n += 1) {
        await resolve(await gate(n % 2 === 0 ? objectiveId : null));
        const other = await project.call('conductor_create_objective', { title: 'another' });
        await project.call('conductor_cancel_objective', { objectiveId: other.objectiveId });
      }
    };
    const cost = async (params: object): Promise<number> => {
      const reads = noReads();
      await look(params, counting(project.store, reads));
      return reads.lastEntriesAt + reads.momentsAt + reads.rows;
    };
    await pile(450);
    await project.runTo(tasks['build']!, 'failed');
    const seq = await project.store.lastSeq();
    const costs = async (): Promise<readonly number[]> => [await cost({ seq }), await cost({ seq, objectiveId })];
    await pile(1);
    const early = await costs();
    await pile(450);
    expect(await costs()).toEqual(early);
    // Twice as much before it, one run more to show, and nothing after.
    await project.call('conductor_retry_task', { taskId: tasks['build'] });
    await project.runTo(tasks['build']!, 'failed');
    const late = await project.store.lastSeq();
    await pile(1);
    const [whole, part] = [await cost({ seq: late }), await cost({ seq: late, objectiveId })];
    expect(whole).toBeLessThan(early[0]! + 50);
    expect(part).toBeLessThan(early[1]! + 50);
  }, 60_000);

  test('M3: a gate that has waited longest is found, whatever was asked and answered since', async () => {
    const { objectiveId } = await project.call('conductor_run_plan', { plan: PLAN });
    const forgotten = await gate(objectiveId);
    const loose = await gate(null);
    for (let n = 0; n < 205; n += 1) await resolve(await gate(objectiveId));
    const seq = await project.store.lastSeq();
    const open = async (params: object): Promise<readonly string[]> => {
      const { items } = await look({ seq, ...params }, project.store);
      return items.gates.filter(({ state }) => state === 'open').map(({ gateId }) => gateId);
    };
    for (let n = 0; n < 205; n += 1) await resolve(await gate(objectiveId));
    expect((await open({})).toSorted()).toEqual([forgotten, loose].toSorted());
    expect(await open({ objectiveId })).toEqual([forgotten]);
    await resolve(forgotten);
    await resolve(loose);
    // Its objective counted the one; the other was counted nowhere.
    expect(await open({})).toEqual([forgotten]);
    expect(await open({ objectiveId })).toEqual([forgotten]);
  });

  test('M3: an objective that is live still is found behind any number of newer ones', async () => {
    const live = (await project.call('conductor_run_plan', { plan: PLAN })).objectiveId;
    for (let n = 0; n < 205; n += 1) {
      const { objectiveId } = await project.call('conductor_create_objective', { title: 'another' });
      await project.call('conductor_cancel_objective', { objectiveId });
    }
    const { items, omitted } = await look({ seq: (await project.store.lastSeq()) - 1 }, project.store);
    expect(items.objectives.slice(0, 2).map(({ objectiveId }) => objectiveId)).toContain(live);
    expect(items.objectives.length + omitted.objectives).toBe(201);
  });

  test('M3: what ran is shown although its task has no room', async () => {
    const tasks = Array.from({ length: 8 }, (_, n) => ({ id: `t${String(n)}`, run: 'x' }));
    const made = await project.call('conductor_run_plan', { plan: { objective: 'many', tasks } });
    const runId = await project.start(made.tasks['t7']!);
    const seq = await project.store.lastSeq();
    await project.call('conductor_cancel_objective', { objectiveId: made.objectiveId });
    for (const params of [{}, { objectiveId: made.objectiveId }]) {
      const { items } = await look({ seq, limit: 2, ...params }, project.store);
      expect(items.runs).toEqual([expect.objectContaining({ runId, status: 'running' })]);
      expect(items.tasks.map(({ planId }) => planId)).toEqual(['t0', 't1', 't7']);
    }
  });
});
