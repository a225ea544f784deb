/** A reader that counts what is asked of another one. */
import type { StoreReader } from '../../src/persistence/store.ts';

/** Rows that were read, by method; of actors and entries asked about, how many. */
export type Reads = Record<'lastEntriesAt' | 'momentsAt' | 'rows', number>;

export const counting = (store: StoreReader, reads: Reads): StoreReader =>
  new Proxy(store, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      return async (...given: unknown[]): Promise<unknown> => {
        const result: unknown = await (member as (...args: unknown[]) => unknown).apply(target, given);
        if (name === 'lastEntriesAt' || name === 'momentsAt') reads[name] += (given[0] as unknown[]).length;
        else if (Array.isArray(result)) reads.rows += result.length;
        return result;
      };
    },
  });

export const noReads = (): Reads => ({ lastEntriesAt: 0, momentsAt: 0, rows: 0 });
