/** The directories of runs: contracts, spools, start and exit records. They survive everything but the end of the episode. */
import type { ProcessIdentity } from '../../src/supervisor/processes/process-identity.ts';
import type { RunnerContract } from '../../src/supervisor/runners/contract.ts';
import type { AgentRecord, ExitRecord, SpoolEntry } from '../../src/supervisor/runners/protocol.ts';
import type { StartRecord } from '../../src/supervisor/runs/runner-platform.ts';

const place = (runId: string, epoch: number): string => `${runId}/${String(epoch)}`;

export class RunFiles {
  readonly #contracts = new Map<string, string>();
  readonly #spools = new Map<string, SpoolEntry[]>();
  readonly #exits = new Map<string, ExitRecord>();
  readonly #starts = new Map<string, StartRecord>();
  /** Who holds the grant, by epoch. */
  readonly runners = new Map<string, ProcessIdentity>();
  /** Setup marks by worktree. */
  readonly marks = new Map<string, string>();

  /** @returns false when another contract of this epoch was there. */
  install(contract: RunnerContract): boolean {
    const key = place(contract.runId, contract.epoch);
    const text = JSON.stringify(contract);
    const before = this.#contracts.get(key);
    this.#contracts.set(key, text);
    return before === undefined || before === text;
  }

  hides(runId: string, epoch: number): boolean {
    return this.#contracts.has(place(runId, epoch)) && this.contract(runId, epoch).hides === true;
  }

  contract(runId: string, epoch: number): RunnerContract {
    return JSON.parse(this.#contracts.get(place(runId, epoch))!) as RunnerContract;
  }

  /** The entries themselves: a runner appends to them. */
  spool(runId: string, epoch: number): SpoolEntry[] {
    const key = place(runId, epoch);
    const known = this.#spools.get(key) ?? [];
    this.#spools.set(key, known);
    return known;
  }

  /** What a supervisor finds there. */
  readSpool(runId: string, epoch: number): readonly SpoolEntry[] {
    return [...this.spool(runId, epoch)];
  }

  exit(runId: string, epoch: number): ExitRecord | null {
    return this.#exits.get(place(runId, epoch)) ?? null;
  }

  writeExit(record: ExitRecord): void {
    this.#exits.set(place(record.runId, record.epoch), record);
  }

  start(runId: string, epoch: number): StartRecord {
    return this.#starts.get(place(runId, epoch)) ?? { kind: 'missing' };
  }

  /** As `link()` does. @returns false when one was there. */
  createStart(record: AgentRecord, readable: boolean): boolean {
    const key = place(record.runId, record.epoch);
    if (this.#starts.has(key)) return false;
    this.#starts.set(key, readable ? { kind: 'present', record } : { kind: 'unreadable' });
    return true;
  }
}
