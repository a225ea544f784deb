/**
 * Runs the journal again and compares: does each machine still lead from the snapshot before to the snapshot after that it wrote?
 * Effects are not carried out, nothing is written.
 *
 * R1. Each entry is judged on its own, from the recorded snapshot before it: one difference does not taint what follows.
 * R2. Only entries that this version of a machine wrote are run; the others are counted as skipped.
 * R3. What was archived is not in the journal any more: it is skipped and counted.
 */
import { isDeepStrictEqual } from 'node:util';
import { applyPatch } from '../../persistence/merge-patch.ts';
import type { JournalEntry, PersistedSnapshot, StoreReader } from '../../persistence/store.ts';
import { entryOf, MACHINE_SET, type MachineSet } from './machine-set.ts';
import { firstStep, nextStep, persist, restore, type Step } from './transition.ts';

export type ReplayDifference = {
  readonly seq: number;
  readonly actor: string;
  readonly event: string;
  /** What differs: `value`, `status`, `context`, `taken`, or `error` when the machine threw. */
  readonly what: string;
  readonly recorded: unknown;
  readonly replayed: unknown;
};

export type ReplaySummary = {
  /** Transitions that were run again. */
  readonly entries: number;
  /** Actors they belong to. */
  readonly entities: number;
  /** Transitions that another version of a machine wrote. */
  readonly skipped: number;
  /** Entries of this stretch that are in the archive: their numbers are missing here. */
  readonly archived: number;
  readonly differences: readonly ReplayDifference[];
};

export type ReplayRange = {
  /** First and last seq, both included; default: the whole journal. */
  readonly from?: number;
  readonly to?: number;
  readonly actor?: string;
};

const pageMax = 1_000;
/** Snapshots kept while the journal goes by; one that was dropped is read again. */
const snapshotsMax = 10_000;
/** A broken machine would differ everywhere; the first ones say how. */
const differencesMax = 1_000;

/** @throws ConductorError `store_damaged` when a full copy that a patch begins from is missing. */
export async function replayJournal(
  reader: StoreReader,
  machines: MachineSet = MACHINE_SET,
  range: ReplayRange = {},
): Promise<ReplaySummary> {
  const replay = new Replay(reader, machines);
  const to = Math.min(range.to ?? Number.MAX_SAFE_INTEGER, await reader.lastSeq());
  let archived = 0;
  let seen = (range.from ?? 1) - 1;
  for (let after = seen; after < to;) {
    const page = await reader.listJournal({
      after,
      limit: pageMax,
      ...(range.actor === undefined ? {} : { actor: range.actor }),
    });
    for (const entry of page) {
      if (entry.seq > to) break;
      archived += entry.seq - seen - 1;
      seen = entry.seq;
      await replay.judge(entry);
    }
    if (page.length < pageMax) break;
    after = page.at(-1)!.seq;
  }
  // One actor's entries have gaps by nature.
  if (range.actor !== undefined) return { ...replay.summary, archived: 0 };
  return { ...replay.summary, archived: archived + Math.max(0, to - seen) };
}

class Replay {
  readonly #reader: StoreReader;
  readonly #machines: MachineSet;
  /** Recorded snapshots, by actor, in the order of their use. */
  readonly #snapshots = new Map<string, PersistedSnapshot>();
  readonly #actors = new Set<string>();
  readonly #differences: ReplayDifference[] = [];
  #entries = 0;
  #skipped = 0;

  constructor(reader: StoreReader, machines: MachineSet) {
    this.#reader = reader;
    this.#machines = machines;
  }

  get summary(): Omit<ReplaySummary, 'archived'> {
    return {
      entries: this.#entries,
      entities: this.#actors.size,
      skipped: this.#skipped,
      differences: this.#differences,
    };
  }

  async judge(entry: JournalEntry): Promise<void> {
    if (entry.patch === null) return;
    const before = entry.kind === 'transition' && entry.from !== null ? await this.#before(entry) : null;
    const after = await this.#after(entry, before);
    this.#keep(entry.actor, after);
    if (entry.kind !== 'transition') return;
    const { entry: machine } = entryOf(this.#machines, entry.actor);
    if (machine.version !== entry.version) {
      this.#skipped += 1;
      return;
    }
    this.#entries += 1;
    this.#actors.add(entry.actor);
    this.#compare(entry, after, () =>
      before === null
        ? firstStep(machine.machine, entry.event['input'])
        : nextStep(machine.machine, restore(machine.machine, before), entry.event),
    );
  }

  async #before(entry: JournalEntry): Promise<PersistedSnapshot | null> {
    return this.#snapshots.get(entry.actor) ?? (await this.#reader.snapshotAt(entry.actor, entry.seq - 1));
  }

  async #after(entry: JournalEntry, before: PersistedSnapshot | null): Promise<PersistedSnapshot> {
    const { patch } = entry;
    if (patch !== null && 'keyframe' in patch) return patch.keyframe;
    if (patch !== null && 'merge' in patch && before !== null) return applyPatch(before, patch.merge);
    // A full copy under its hash; the store reads it as time travel does.
    return (await this.#reader.snapshotAt(entry.actor, entry.seq))!;
  }

  #keep(actor: string, snapshot: PersistedSnapshot): void {
    this.#snapshots.delete(actor);
    this.#snapshots.set(actor, snapshot);
    if (this.#snapshots.size <= snapshotsMax) return;
    const [oldest] = this.#snapshots.keys();
    this.#snapshots.delete(oldest!);
  }

  #compare(entry: JournalEntry, recorded: PersistedSnapshot, run: () => Step): void {
    let step: Step;
    try {
      step = run();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.#differ(entry, 'error', { recorded: null, replayed: message });
      return;
    }
    const replayed = asJson(persist(step.snapshot));
    for (const what of ['status', 'value', 'context'] as const) {
      if (isDeepStrictEqual(recorded[what], replayed[what])) continue;
      this.#differ(entry, what, { recorded: recorded[what], replayed: replayed[what] });
    }
    if (!isDeepStrictEqual(entry.taken, step.taken)) {
      this.#differ(entry, 'taken', { recorded: entry.taken, replayed: step.taken });
    }
  }

  #differ(entry: JournalEntry, what: string, values: { readonly recorded: unknown; readonly replayed: unknown }): void {
    if (this.#differences.length >= differencesMax) return;
    this.#differences.push({ seq: entry.seq, actor: entry.actor, event: entry.event.type, what, ...values });
  }
}

/** As it would have been stored. */
const asJson = (snapshot: PersistedSnapshot): PersistedSnapshot =>
  JSON.parse(JSON.stringify(snapshot)) as PersistedSnapshot;
