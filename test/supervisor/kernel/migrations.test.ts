/**
 * Goal: snapshots and effects of every version that was ever released can be read; what is newer is refused, never guessed at.
 * Method: toys with a second version and a migration; golden snapshots of the real machines, one folder per version.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ACTOR_KINDS, type ActorKind } from '../../../src/machines/ids.ts';
import { MACHINES } from '../../../src/machines/registry.ts';
import type { PersistedSnapshot, StoredActor } from '../../../src/persistence/store.ts';
import { createKernel } from '../../../src/supervisor/kernel/create-kernel.ts';
import { checkOf, MACHINE_SET, type MachineSet } from '../../../src/supervisor/kernel/machine-set.ts';
import { migrateStored, MIGRATIONS, type Migrations } from '../../../src/supervisor/kernel/migrations.ts';
import { restore } from '../../../src/supervisor/kernel/transition.ts';
import { contextOf, create, errorOf, event, openFixture, poke, post } from './kernel-fixture.ts';
import { idOf, toyMachines } from './toy-machines.ts';

const a = idOf('task', 1);
const withVersion = (version: string): MachineSet => ({
  ...toyMachines,
  machineOf: (kind, id) => ({ ...toyMachines.machineOf(kind, id)!, version }),
});
const shout = (snapshot: PersistedSnapshot): PersistedSnapshot => ({
  ...snapshot,
  context: { ...snapshot.context, name: String(snapshot.context['name']).toUpperCase() },
});
const migrations: Migrations = {
  task: { '1': { to: '2', migrate: shout }, '2': { to: '3', migrate: (same) => same } },
};

describe('V1: versions', () => {
  test('an old actor is read at the new version, and its first change is journalled after the whole new snapshot', async () => {
    const { kernel, reopen } = await openFixture();
    await kernel.post(post(create(a, 'quiet'), poke(a)));
    const next = await reopen({ machines: withVersion('3'), migrations });
    expect((await next.kernel.read(a))?.snapshot.context['name']).toBe('QUIET');
    expect(await next.store.lastSeq()).toBe(2);
    await next.kernel.post(post(poke(a, 'loud')));
    expect(contextOf(next.kernel, a)).toMatchObject({ name: 'QUIET', pokes: 2 });
    expect(next.kernel.peek(a)?.version).toBe('3');
    const entries = await next.store.listJournal({ after: 2, limit: 10 });
    expect(entries.map(({ kind, event: { type }, version }) => [kind, type, version])).toEqual([
      ['note', 'actor.migrated', '3'],
      ['transition', 'toy.poke', '3'],
    ]);
    expect(await next.store.snapshotAt(a, 3)).toMatchObject({ context: { name: 'QUIET', pokes: 1 } });
    expect(await next.store.snapshotAt(a, 2)).toMatchObject({ context: { name: 'quiet', pokes: 1 } });
  });

  test('a newer actor is refused to whoever needs it, and nobody else', async () => {
    const { kernel, reopen } = await openFixture({ machines: withVersion('7') });
    await kernel.post(post(create(a)));
    const next = await reopen({ machines: withVersion('1') });
    const other = next.kernel.post(post(create(idOf('task', 2))));
    expect((await errorOf(next.kernel.post(post(poke(a))))).code).toBe('store_too_new');
    expect((await other).kind).toBe('applied');
  });

  test('waiting effects of a newer version stop the start, older ones are migrated', async () => {
    const newer = await openFixture({ machines: withVersion('7') });
    await newer.kernel.post(post(create(a), event(a, { type: 'toy.work', lane: 'work' })));
    const open = async (version: string, table: Migrations) =>
      createKernel({
        store: newer.store,
        clock: newer.clock,
        handlers: null,
        machines: withVersion(version),
        migrations: table,
        onFatal: () => {},
      });
    await expect(open('1', migrations)).rejects.toMatchObject({ code: 'store_too_new' });
    await expect(open('8', { task: { '7': { to: '8', migrate: (same) => same } } })).resolves.toBeDefined();
  });
});

const golden = new URL('./golden/', import.meta.url);
type Golden = Pick<StoredActor, 'id' | 'kind' | 'version' | 'snapshot'>;
const goldenOf = (version: string, kind: ActorKind): readonly Golden[] =>
  JSON.parse(readFileSync(new URL(`v${version}/${kind}.json`, golden), 'utf8')) as Golden[];

const written = (context: object): StoredActor => {
  const [one] = goldenOf('2', 'task') as StoredActor[];
  return { ...one!, snapshot: { ...one!.snapshot, context: { ...one!.snapshot.context, ...context } } };
};

const migrated = (context: object) => migrateStored(MACHINE_SET, MIGRATIONS, written(context)).snapshot.context;

describe('task 2 to 3: whose words a reason was', () => {
  test('what may be an agent’s is taken for it, what cannot be stays', () => {
    const says = 'reported a partial result';
    expect(migrated({ end: 'partial', reason: 'all is well' })).toMatchObject({ reason: says, said: 'all is well' });
    expect(migrated({ end: 'partial', reason: says })).toMatchObject({ reason: says, said: null });
    expect(migrated({ end: 'exit_nonzero', reason: 'exit 3' })).toMatchObject({ reason: 'exit 3', said: null });
    expect(migrated({ end: null, reason: 'enough' })).toMatchObject({ reason: 'enough', said: null });
    expect(migrated({ end: null, reason: null })).toMatchObject({ reason: null, said: null });
    const accepted = { end: 'partial', reason: 'good enough', acceptedBy: 'human' };
    expect(migrated(accepted)).toMatchObject({ reason: 'good enough', said: null });
  });
});

describe('V2: golden snapshots', () => {
  test('there are some of every version that a machine ever had', () => {
    for (const kind of ACTOR_KINDS) {
      const versions = Array.from({ length: Number(MACHINES[kind].version) }, (_, n) => `v${String(n + 1)}`);
      for (const version of versions) expect(readdirSync(new URL(version, golden))).toContain(`${kind}.json`);
    }
  });

  test.each(ACTOR_KINDS)('every golden %s is a snapshot of this version after its migrations', (kind) => {
    for (let version = 1; version <= Number(MACHINES[kind].version); version += 1) {
      const snapshots = goldenOf(String(version), kind);
      expect(snapshots.length).toBeGreaterThan(2);
      for (const stored of snapshots) {
        const { snapshot, version: now } = migrateStored(MACHINE_SET, MIGRATIONS, stored as StoredActor);
        expect(now).toBe(MACHINES[kind].version);
        expect(checkOf(MACHINES[kind].contextSchema).Check(snapshot.context)).toBe(true);
        expect(restore(MACHINES[kind].machine, snapshot).value).toEqual(snapshot.value);
      }
    }
  });
});
