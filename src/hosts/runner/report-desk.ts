/**
 * Numbers a runner's reports, keeps them in the spool and carries them to the supervisor, in order, as often as it takes.
 *
 * D1. A report is in the spool before it is sent and before anybody is answered.
 * D2. After a reconnect everything above the supervisor's `appliedSeq` is sent again, and whatever somebody still waits for.
 * D3. A report of the runner itself is never lost to a full disk while the supervisor can be reached: it is then carried from
 *     memory, and the spool takes nothing behind it before it has taken it too.
 */
import { isConductorError } from '../../machines/errors.ts';
import type { ReportBody, ReportResult, SpoolEntry } from '../../supervisor/runners/protocol.ts';
import type { SpoolFile, SpoolPlace } from './spool-file.ts';

/** Entries in one call; with 64 KiB a piece they stay below the supervisor's frame limit only together with the next. */
const BATCH_ENTRIES_MAX = 64;
const BATCH_BYTES_MAX = 524_288;
const RETRY_MS = 250;

/** Kinds that may use the spool's reserve. */
const VITAL: ReadonlySet<ReportBody['kind']> = new Set([
  'child.gate',
  'child.complete',
  'agent.started',
  'agent.exited',
  'limit.exceeded',
  'setup.failed',
  'verification.finished',
]);

export type Send = (entries: readonly SpoolEntry[]) => Promise<readonly ReportResult[]>;

type Item = {
  readonly seq: number;
  place: SpoolPlace | null;
  /** Only while it is not in the spool (D3). */
  entry: SpoolEntry | null;
  onWord: ((word: ReportResult) => void) | null;
};

export class ReportDesk {
  readonly #spool: SpoolFile;
  #lastSeq = 0;
  #queue: Item[] = [];
  #send: Send | null = null;
  #pumping = false;
  readonly #awayCalls = new Set<() => void>();
  readonly #idleCalls = new Set<() => void>();

  constructor(spool: SpoolFile) {
    this.#spool = spool;
  }

  /** Highest sequence number given so far. */
  get lastSeq(): number {
    return this.#lastSeq;
  }

  /**
   * Keeps a report and sends it.
   *
   * @param onWord Gets the supervisor's word once, as soon or as late as it comes.
   * @throws store_full when a child's report cannot be kept; the runner's own are carried from memory instead (D3).
   */
  add(body: ReportBody, onWord: ((word: ReportResult) => void) | null = null): number {
    this.#spoolLeftovers();
    const entry: SpoolEntry = { seq: this.#lastSeq + 1, at: Date.now(), body };
    const item: Item = { seq: entry.seq, place: null, entry, onWord };
    try {
      if (this.#queue.some((other) => other.place === null)) throw new Error('an earlier report is not in the spool');
      item.place = this.#spool.append(entry, VITAL.has(body.kind));
      item.entry = null;
    } catch (error) {
      if (body.kind.startsWith('child.')) throw error;
      process.stderr.write(`conductor runner: ${body.kind} is not in the spool: ${String(error)}\n`);
    }
    this.#lastSeq = entry.seq;
    this.#queue.push(item);
    void this.#pump();
    return entry.seq;
  }

  /** Forgets that somebody waits for the word on a report. */
  release(seq: number): void {
    const item = this.#queue.find((queued) => queued.seq === seq);
    if (item !== undefined) item.onWord = null;
  }

  /** The supervisor is there, and has everything up to `appliedSeq` (D2). */
  attach(send: Send, appliedSeq: number): void {
    this.#queue = this.#queue.filter((item) => item.seq > appliedSeq || item.onWord !== null);
    this.#send = send;
    void this.#pump();
  }

  detach(): void {
    this.#send = null;
    for (const call of this.#awayCalls) call();
    this.#awayCalls.clear();
  }

  /** Calls once the supervisor is away, at once when it is. Returns what takes the call back. */
  onAway(call: () => void): () => void {
    if (this.#send === null) call();
    else this.#awayCalls.add(call);
    return () => this.#awayCalls.delete(call);
  }

  /** Resolves when everything is told, or after `timeoutMs`; at once when the supervisor is away. */
  async drained(timeoutMs: number): Promise<void> {
    if (this.#queue.length === 0 || this.#send === null) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#idleCalls.add(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #spoolLeftovers(): void {
    for (const item of this.#queue) {
      if (item.entry === null) continue;
      try {
        item.place = this.#spool.append(item.entry, true);
        item.entry = null;
      } catch {
        return; // Still no room; said when it was added.
      }
    }
  }

  async #pump(): Promise<void> {
    if (this.#pumping) return;
    this.#pumping = true;
    let entriesMax = BATCH_ENTRIES_MAX;
    while (this.#send !== null && this.#queue.length > 0) {
      const send = this.#send;
      const batch = this.#nextBatch(entriesMax);
      try {
        this.#settle(await send(batch));
        entriesMax = BATCH_ENTRIES_MAX;
      } catch (error) {
        // After a change of connections attach() has decided what is sent.
        if (this.#send === send) entriesMax = await this.#afterRefusal(error, batch);
      }
    }
    this.#pumping = false;
    if (this.#queue.length > 0) return;
    for (const call of this.#idleCalls) call();
    this.#idleCalls.clear();
  }

  /**
   * One report that the supervisor refuses as such must not hold up the others: they are tried one by one, and it stays in the spool
   * as evidence. Any other trouble passes. @returns how many are sent next.
   */
  async #afterRefusal(error: unknown, batch: readonly SpoolEntry[]): Promise<number> {
    if (isConductorError(error) && !error.retryable && error.code !== 'internal') {
      const alone = batch.length === 1 ? batch[0] : undefined;
      if (alone !== undefined) this.#settle([{ result: 'rejected', seq: alone.seq, reason: error.code, state: null }]);
      return 1;
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    return BATCH_ENTRIES_MAX;
  }

  #nextBatch(entriesMax: number): SpoolEntry[] {
    const batch: SpoolEntry[] = [];
    let bytes = 0;
    for (const item of this.#queue.slice(0, entriesMax)) {
      bytes += item.place?.length ?? 0;
      if (batch.length > 0 && bytes > BATCH_BYTES_MAX) break;
      batch.push(item.entry ?? this.#spool.read(item.place!));
    }
    return batch;
  }

  #settle(words: readonly ReportResult[]): void {
    for (const word of words) {
      const item = this.#queue.find(({ seq }) => seq === word.seq);
      if (item === undefined) continue;
      this.#queue.splice(this.#queue.indexOf(item), 1);
      const { onWord } = item;
      item.onWord = null;
      onWord?.(word);
    }
  }
}
