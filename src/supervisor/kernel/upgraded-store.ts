/**
 * A store whose actors are read at the version of the code, whoever wrote them: what reads beside the kernel never sees what an older
 * machine left out.
 *
 * U1. What is stored stays as it is: the kernel alone writes an actor anew, with its first change.
 * U2. An actor of a newer version is read as it is; whoever needs it is refused by the kernel.
 */
import type { StoreReader } from '../../persistence/store.ts';
import { MACHINE_SET, type MachineSet } from './machine-set.ts';
import { migrateStored, MIGRATIONS, type Migrations, type Versioned } from './migrations.ts';

type Code = { readonly set: MachineSet; readonly migrations: Migrations };
const THIS_CODE: Code = { set: MACHINE_SET, migrations: MIGRATIONS };

/** The same object when it needs nothing. @throws ConductorError `internal` when no migration leads to this version. */
export const upgraded = <Actor extends Versioned>(actor: Actor, { set, migrations }: Code = THIS_CODE): Actor => {
  const wanted = set.machineOf(actor.kind, actor.id)?.version;
  const isOlder = wanted !== undefined && wanted !== actor.version && Number(actor.version) < Number(wanted);
  return isOlder ? migrateStored(set, migrations, actor) : actor;
};

/** The store itself, with all that it does; moments of the past are as they were. */
export const upgradedStore = <Store extends StoreReader>(store: Store, code: Code = THIS_CODE): Store => {
  const reads: Pick<StoreReader, 'getActor' | 'getActors' | 'listActors'> = {
    getActor: async (id) => {
      const found = await store.getActor(id);
      return found === null ? null : upgraded(found, code);
    },
    getActors: async (ids) => {
      const found = await store.getActors(ids);
      return new Map(Array.from(found, ([id, actor]) => [id, upgraded(actor, code)]));
    },
    listActors: async (query) => {
      const page = await store.listActors(query);
      return { ...page, items: page.items.map((actor) => upgraded(actor, code)) };
    },
  };
  const own = new Map<PropertyKey, unknown>(Object.entries(reads));
  return new Proxy(store, {
    get: (target, name) => {
      const value: unknown = own.get(name) ?? Reflect.get(target, name, target);
      return typeof value === 'function' && !own.has(name) ? value.bind(target) : value;
    },
  });
};
