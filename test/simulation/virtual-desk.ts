/**
 * A runner's reports: numbered, spooled, sent in order, sent again above what the supervisor has. Follows report-desk.ts and
 * child-desk.ts of the real runner: a child hears `applied` or a refusal from the supervisor, else `stored`, else an error.
 */
import type { ReportBody, ReportResult, SpoolEntry } from '../../src/supervisor/runners/protocol.ts';
import type { VirtualProcess } from './virtual-host.ts';
import type { World } from './world.ts';

export type Send = (entries: readonly SpoolEntry[], settle: (words: readonly ReportResult[] | null) => void) => void;
export type ChildWord = { readonly applied: boolean | 'stored' | 'error'; readonly word: ReportResult | null };

type Item = {
  readonly entry: SpoolEntry;
  spooled: boolean;
  onWord: ((word: ReportResult) => void) | null;
};

const BATCH_MAX = 64;
const RETRY_MS = 250;
const WORD_MS = 10_000;

export class VirtualDesk {
  lastSeq = 0;
  readonly #world: World;
  readonly #process: VirtualProcess;
  readonly #spool: SpoolEntry[];
  #queue: Item[] = [];
  #send: Send | null = null;
  #isSending = false;
  readonly #awayCalls = new Set<() => void>();

  constructor(world: World, process: VirtualProcess, spool: SpoolEntry[]) {
    this.#world = world;
    this.#process = process;
    this.#spool = spool;
  }

  get isDrained(): boolean {
    return this.#queue.length === 0 || this.#send === null;
  }

  /** @returns false when a child's report could not be kept. The runner's own are then carried in memory. */
  add(body: ReportBody, onWord: ((word: ReportResult) => void) | null = null): boolean {
    this.#spoolLeftovers();
    const item: Item = {
      entry: { seq: this.lastSeq + 1, at: this.#world.time.wall, body },
      spooled: false,
      onWord,
    };
    const fits = this.#fits(body) && this.#queue.every(({ spooled }) => spooled);
    if (!fits && body.kind.startsWith('child.')) return false;
    if (fits) this.#keep(item);
    this.lastSeq += 1;
    this.#queue.push(item);
    this.#pump();
    return true;
  }

  /** Tells the child once: the supervisor's word, or `stored` when there is none for too long. */
  childReport(body: ReportBody, tell: (word: ChildWord) => void): void {
    let isTold = false;
    const settle = (word: ChildWord): void => {
      if (isTold) return;
      isTold = true;
      this.#awayCalls.delete(stored);
      tell(word);
    };
    const stored = (): void => settle({ applied: 'stored', word: null });
    const kept = this.add(body, (word) => settle({ applied: word.result !== 'rejected', word }));
    if (!kept) return settle({ applied: 'error', word: null });
    this.#world.time.after(this.#process.life, WORD_MS, stored);
    if (this.#send === null) stored();
    else this.#awayCalls.add(stored);
  }

  attach(send: Send, appliedSeq: number): void {
    this.#queue = this.#queue.filter((item) => item.entry.seq > appliedSeq || item.onWord !== null);
    this.#send = send;
    this.#isSending = false;
    this.#pump();
  }

  detach(): void {
    this.#send = null;
    for (const call of this.#awayCalls) call();
    this.#awayCalls.clear();
  }

  #fits({ kind }: ReportBody): boolean {
    if (!this.#world.isDiskFull) return true;
    // The spool's reserve keeps room for what decides about the run.
    if (kind !== 'child.progress' && kind !== 'child.followup' && this.#world.chance.is(0.7)) return true;
    this.#world.witness.fault('spool write failed');
    return false;
  }

  #keep(item: Item): void {
    item.spooled = true;
    this.#spool.push(item.entry);
  }

  #spoolLeftovers(): void {
    for (const item of this.#queue) {
      if (item.spooled) continue;
      if (this.#world.isDiskFull) return;
      this.#keep(item);
    }
  }

  #pump(): void {
    const send = this.#send;
    if (send === null || this.#isSending || this.#queue.length === 0) return;
    this.#isSending = true;
    const batch = this.#queue.slice(0, BATCH_MAX);
    send(
      batch.map(({ entry }) => entry),
      (words) => {
        if (this.#send !== send) return;
        this.#isSending = false;
        if (words === null) {
          this.#world.time.after(this.#process.life, RETRY_MS, () => this.#pump());
          return;
        }
        this.#settle(words);
        this.#pump();
      },
    );
  }

  #settle(words: readonly ReportResult[]): void {
    for (const word of words) {
      const item = this.#queue.find(({ entry }) => entry.seq === word.seq);
      if (item === undefined) continue;
      this.#queue.splice(this.#queue.indexOf(item), 1);
      item.onWord?.(word);
    }
  }
}
