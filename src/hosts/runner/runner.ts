/**
 * One run's process: asks for the grant, then setup, agent and whatever the supervisor instructs, until it is told to finish.
 *
 *     waiting ──granted──▶ setup ──▶ agent ──▶ ended ◀──▶ verifying         any of them ──finish, signal, denied──▶ finishing
 *        │ denied, nobody there
 *        ▼
 *      exit 0, nothing done
 *
 * It decides nothing about the run: it does, reports, and keeps what it reported.
 *
 * R1. Before the grant nothing is written, opened or started.
 * R2. The supervisor's absence changes nothing but who hears the reports, and when.
 * R3. There is one way out, taken once, whoever asks for it and how often.
 */
import { unitOfRun } from '../../supervisor/processes/cgroup-scope.ts';
import { openProcessTable } from '../../supervisor/processes/open-process-table.ts';
import type { ProcessIdentity } from '../../supervisor/processes/process-identity.ts';
import type { ProcessTable } from '../../supervisor/processes/process-table.ts';
import type { RunnerContract } from '../../supervisor/runners/contract.ts';
import {
  PROTOCOL,
  type EndAgent,
  type EndAgentResult,
  type ReportBody,
  type RunnerPhase,
} from '../../supervisor/runners/protocol.ts';
import type { FilePort } from './file-port.ts';
import { randomHex } from './random-hex.ts';
import { recordScope } from './scope-record.ts';
import type { Send } from './report-desk.ts';
import { RunDesk } from './run-desk.ts';
import { gatherSecrets, secretValues } from './run-secrets.ts';
import { GRACE_MS, RunWork } from './run-work.ts';
import { SupervisorLink } from './supervisor-link.ts';
import { Verification } from './verification.ts';

/** How long the last reports may take to reach a supervisor that is there, in ms; the spool has them anyway. */
const FAREWELL_MS = 2_000;
const UMASK_DEFAULT = 0o022;

type Granted = { readonly desk: RunDesk; readonly work: RunWork; readonly verification: Verification };

export class Runner {
  readonly #contract: RunnerContract;
  readonly #files: FilePort;
  readonly #unit: string;
  readonly #table: ProcessTable;
  readonly #identity: ProcessIdentity;
  readonly #instance = randomHex(8);
  readonly #env = { ...process.env };
  readonly #link: SupervisorLink;
  readonly #ended = new Map<string, Promise<EndAgentResult>>();
  readonly #over = Promise.withResolvers<number>();
  /** Settles when the exit record is written. */
  readonly #lastWord = Promise.withResolvers<void>();
  #granted: Granted | null = null;
  #leaving: Promise<void> | null = null;

  /** @param unit Name of the cgroup that it was started in, if it was; default: as one that was started for this run. */
  constructor(contract: RunnerContract, files: FilePort, unit = unitOfRun(contract.runId, contract.epoch)) {
    this.#contract = contract;
    this.#files = files;
    this.#unit = unit;
    this.#table = openProcessTable({ hostId: contract.hostId });
    this.#identity = this.#table.self();
    const { runId, epoch, token, supervisorFile, heartbeatMs } = contract;
    this.#link = new SupervisorLink({
      supervisorFile,
      heartbeatMs,
      hostId: this.#table.hostId,
      address: { runId, epoch, instance: this.#instance, token },
      ready: () => this.#ready(),
      heartbeat: () => this.#heartbeat(),
      instructions: {
        endAgent: (params: EndAgent) => this.#endOnce(params),
        verify: async (params: Parameters<Verification['start']>[0]) => this.#verify(params),
        answer: async (params: Parameters<RunDesk['gates']['answer']>[0]) => ({
          delivered: (await this.#granted?.desk.gates.answer(params)) ?? false,
        }),
        finish: (params: { readonly graceMs: number }) => this.#finish(params.graceMs),
      },
      onGranted: (send, appliedSeq) => this.#onGranted(send, appliedSeq),
      onAway: () => this.#granted?.desk.reports.detach(),
      onRefused: (reason) => this.#onRefused(reason),
    });
  }

  /** Resolves with the exit code when there is nothing left to do. */
  async run(): Promise<number> {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => this.#onSignal(signal));
    this.#link.start();
    return this.#over.promise;
  }

  #ready() {
    return {
      protocol: PROTOCOL,
      version: this.#contract.version,
      identity: this.#identity,
      spoolSeq: this.#granted?.desk.reports.lastSeq ?? 0,
      secrets: secretValues(this.#contract, this.#env),
    };
  }

  #heartbeat() {
    const { work, desk, verification } = this.#granted ?? {};
    const identity = work?.agent ?? null;
    return {
      identity: this.#identity,
      agent: identity === null ? null : { identity, pgid: identity.pid, sid: identity.pid },
      idleMs: work?.limits.idleForMs ?? 0,
      outputBytes: desk?.log.totalBytes ?? 0,
      phase: this.#phaseOf(work, verification),
    };
  }

  #phaseOf(work: RunWork | undefined, verification: Verification | undefined): RunnerPhase {
    if (this.#leaving !== null) return 'finishing';
    return verification?.running === true ? 'verifying' : (work?.phase ?? 'waiting');
  }

  #onGranted(send: Send, appliedSeq: number): void {
    if (this.#granted !== null) {
      this.#granted.desk.reports.attach(send, appliedSeq);
      return;
    }
    try {
      this.#granted = this.#open();
    } catch (error) {
      // Nothing has run and nothing can be kept: another epoch may find a better disk, or a person the message.
      process.stderr.write(`conductor runner: ${(error as Error).message}\n`);
      this.#over.resolve(1);
      return;
    }
    this.#granted.desk.reports.attach(send, appliedSeq);
    this.#granted.work.start();
  }

  #open(): Granted {
    recordScope(this.#contract, this.#unit, this.#files);
    const secrets = gatherSecrets(this.#contract, this.#env);
    const contract = this.#contract;
    const { worktreePath, cookie, runDirectory, logBytesMax } = contract;
    const [instance, files] = [this.#instance, this.#files];
    const desk = new RunDesk(contract, { instance, secrets, files, onActivity: () => work.limits.touch() });
    const redact = (text: string): string => secrets.redactText(text);
    const umask = contract.umask ?? UMASK_DEFAULT;
    const base = { cwd: worktreePath, env: this.#env, umask, cookie, table: this.#table, redact };
    const onUseless = (): void => void this.#leave({ code: 1, silent: true });
    const work: RunWork = new RunWork({ contract, desk, instance, runner: this.#identity, files, base, onUseless });
    const report = (body: ReportBody): void => void desk.reports.add(body);
    const verification = new Verification({ directory: runDirectory, logBytesMax, secrets, files, base, report });
    return { desk, work, verification };
  }

  #endOnce({ key, graceMs }: EndAgent): Promise<EndAgentResult> {
    const known = this.#ended.get(key);
    if (known !== undefined) return known;
    const ending = this.#granted?.work.leave(graceMs) ?? Promise.resolve({ ended: true, code: null, signal: null });
    this.#ended.set(key, ending);
    return ending;
  }

  #verify(instruction: Parameters<Verification['start']>[0]): null {
    this.#granted?.verification.start(instruction);
    return null;
  }

  /** Answers once the exit record is on disk. */
  async #finish(graceMs: number): Promise<null> {
    void this.#leave({ code: 0, graceMs });
    await this.#lastWord.promise;
    return null;
  }

  #onRefused(reason: string): void {
    process.stderr.write(`conductor runner: ${reason}\n`);
    if (this.#granted === null) this.#over.resolve(0);
    else void this.#leave({ code: 0 });
  }

  #onSignal(signal: string): void {
    if (this.#granted === null) {
      this.#over.resolve(0);
      return;
    }
    this.#granted.work.interrupt(signal);
    void this.#leave({ code: 0 });
  }

  /** The one way out, taken once: ends what runs, writes the last word, tells it, goes. */
  #leave(way: { readonly code: number; readonly graceMs?: number; readonly silent?: boolean }): Promise<void> {
    this.#leaving ??= this.#wayOut(way.code, way.silent === true ? null : (way.graceMs ?? GRACE_MS));
    return this.#leaving;
  }

  /** @param graceMs null: nothing was started and nothing is to be recorded. */
  async #wayOut(code: number, graceMs: number | null): Promise<void> {
    const { desk, work, verification } = this.#granted!;
    if (graceMs === null) desk.exitRecord.discard();
    else {
      await Promise.all([work.end(graceMs), verification.stop(graceMs)]);
      desk.children.flush();
      const { runId, epoch } = this.#contract;
      const lastSeq = desk.reports.lastSeq;
      desk.exitRecord.write({ runId, epoch, instance: this.#instance, at: Date.now(), lastSeq, agent: work.exit });
    }
    this.#lastWord.resolve();
    await desk.reports.drained(FAREWELL_MS);
    // The answer to `finish` is written before the connection ends.
    await new Promise((resolve) => setImmediate(resolve));
    await Promise.all([this.#link.stop(), desk.close()]);
    this.#over.resolve(code);
  }
}
