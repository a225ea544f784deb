/**
 * An agent: a process that says things, asks, starts others, and ends in every way a program can. Its script comes from chance;
 * what it was told about its reports is compared with what the store has.
 */
import type { RunnerContract } from '../../src/supervisor/runners/contract.ts';
import type { AnswerInstruction, CompletionStatus, ReportBody } from '../../src/supervisor/runners/protocol.ts';
import type { ChildWord, VirtualDesk } from './virtual-desk.ts';
import type { Exit, VirtualProcess } from './virtual-host.ts';
import type { World } from './world.ts';

type Start = {
  readonly runner: VirtualProcess;
  readonly instance: string;
  readonly desk: VirtualDesk;
  readonly onExit: (exit: Exit) => void;
};

/** How often the runner looks at the limits, in ms, and the pause above which nobody was idle (run-limits.ts of the runner). */
const LOOK_MS = 5_000;
const GAP_MS = 5_000;
const KILL_GRACE_MS = 10_000;

export class VirtualAgent {
  readonly process: VirtualProcess;
  readonly #world: World;
  readonly #contract: RunnerContract;
  readonly #start: Start;
  #steps: number;
  #waitsFor: string | null = null;
  #isWaiting = false;
  #ignoresTerm = false;
  #activeAt: number;
  #startedAt: number;
  #lookedAt: number;
  #isOver = false;

  /** @returns null when the epoch has a start record already: then nothing was executed. */
  static start(world: World, contract: RunnerContract, start: Start): VirtualAgent | null {
    const { runId, epoch, cookie, worktreePath: cwd } = contract;
    const { identity } = start.runner;
    let agent: VirtualAgent | null = null;
    const process = world.host.spawn({
      ppid: identity.pid,
      command: 'agent',
      cookie,
      cwd: null,
      onSignal: (signal) => agent?.onSignal(signal) ?? false,
    });
    const { pgid, sid } = process;
    const record = {
      runId,
      epoch,
      instance: start.instance,
      at: world.time.wall,
      runner: identity,
      agent: process.identity,
      pgid,
      sid,
    };
    const readable = !world.happens('start record unreadable', 0.02);
    if (!world.files.createStart(record, readable)) {
      world.host.exit(process, { code: null, signal: 'SIGKILL' });
      return null;
    }
    start.desk.add({ kind: 'agent.started', identity: process.identity, pgid, sid });
    world.witness.agentStarts(runId, epoch, cwd);
    Object.assign(process, { cwd });
    agent = new VirtualAgent(world, contract, { ...start, process });
    return agent;
  }

  private constructor(world: World, contract: RunnerContract, start: Start & { readonly process: VirtualProcess }) {
    this.#world = world;
    this.#contract = contract;
    this.#start = start;
    this.process = start.process;
    this.#steps = world.chance.int(0, 4);
    this.#activeAt = world.time.monotonic;
    this.#startedAt = this.#activeAt;
    this.#lookedAt = this.#activeAt;
    start.process.onExit.push((exit) => {
      this.#isOver = true;
      world.time.after(start.runner.life, 1, () => start.onExit(exit));
    });
    this.#next();
    if (contract.timeoutMs > 0 || contract.idleMs > 0) this.#look();
  }

  get record() {
    const { identity, pgid, sid } = this.process;
    return { identity, pgid, sid };
  }

  onSignal(signal: string): boolean {
    return this.#ignoresTerm && signal === 'SIGTERM';
  }

  /** The answer to a question. @returns whether it was waited for. */
  hear({ gateId }: AnswerInstruction): boolean {
    if (this.#isOver || !this.#isWaiting || this.#waitsFor !== gateId) return false;
    this.#goOn();
    return true;
  }

  #after(ms: number, run: () => void): void {
    this.#world.time.after(this.process.life, ms, run);
  }

  #next(): void {
    this.#after(this.#world.chance.wait(2_500), () => {
      if (this.#steps === 0) return this.#finish();
      this.#steps -= 1;
      this.#do();
    });
  }

  #do(): void {
    const { chance } = this.#world;
    const what = chance.weighted({ progress: 60, ask: 12, note: 5, followup: 10, fork: 10, stubborn: 4 });
    if (what === 'progress') return this.#say({ kind: 'child.progress', text: 'at it', key: null, artifacts: [] });
    if (what === 'note')
      return this.#say({ kind: 'child.gate', gateType: 'needs_review', ask: 'Look at this?', wait: false });
    if (what === 'ask') return this.#ask();
    if (what === 'fork') this.#fork();
    else if (what === 'stubborn') this.#ignoresTerm = true;
    else if (this.#contract.mayFollowUp) {
      return this.#say({ kind: 'child.followup', title: 'more', command: ['true'], key: null });
    }
    this.#next();
  }

  /** Through the runner's socket: the runner must be awake to hear it, and a child without a runner cannot speak. */
  #say(body: ReportBody, then: (word: ChildWord) => void = () => this.#next()): void {
    const { runner, desk } = this.#start;
    if (!runner.life.alive) return this.#after(1_000, () => then({ applied: 'error', word: null }));
    this.#world.time.arrive(runner.life, 1, () => {
      this.#activeAt = this.#world.time.monotonic;
      desk.childReport(body, (word) => this.#after(1, () => then(word)));
    });
  }

  #ask(): void {
    const { chance } = this.#world;
    const ask = `Which way, ${String(chance.int(1, 3))}?`;
    const body: ReportBody = { kind: 'child.gate', gateType: 'needs_input', ask, wait: true };
    this.#isWaiting = true;
    this.#waitsFor = null;
    this.#say(body, ({ word, applied }) => {
      const gate = word !== null && word.result !== 'rejected' ? (word.gate ?? null) : null;
      if (applied === false || applied === 'error' || (gate !== null && gate.decision !== null)) return this.#goOn();
      this.#waitsFor = gate?.gateId ?? null;
      // `--timeout`: whoever never hears goes on by itself.
      this.#after(this.#world.chance.int(20_000, 90_000), () => {
        if (this.#isWaiting) this.#goOn();
      });
    });
  }

  #goOn(): void {
    this.#isWaiting = false;
    this.#activeAt = this.#world.time.monotonic;
    this.#next();
  }

  /** Children that may outlive it: in its group or in one of their own, some of them hard to end. */
  #fork(): void {
    const { chance, host, time } = this.#world;
    const own = chance.is(0.5);
    const isStubborn = chance.is(0.3);
    const child = host.spawn({
      ppid: this.process.identity.pid,
      ...(own ? {} : { joins: this.process }),
      command: 'stray',
      cookie: this.#contract.cookie,
      cwd: this.#contract.worktreePath,
      onSignal: () => isStubborn,
    });
    if (this.#world.happens('process survives SIGKILL', 0.15)) {
      child.unkillableUntil = time.monotonic + chance.pick([5_000, 30_000, 90_000]);
    }
    time.after(child.life, chance.wait(30_000), () => host.exit(child, { code: 0, signal: null }));
  }

  #finish(): void {
    const { chance } = this.#world;
    const how = chance.weighted({ complete: 62, exit: 22, crash: 6, red: 8, hang: 5 });
    if (how === 'complete') {
      const statuses = { succeeded: 75, partial: 8, blocked: 6, failed: 8, aborted: 3 };
      const status: CompletionStatus = chance.weighted(statuses);
      return this.#say({ kind: 'child.complete', status, summary: 'all done', key: null, artifacts: [] }, () => {
        // Some linger, some leave: the completion counts either way.
        if (chance.is(0.7)) this.#after(chance.int(1, 3_000), () => this.#exit({ code: 0, signal: null }));
      });
    }
    if (how === 'exit') this.#exit({ code: 0, signal: null });
    else if (how === 'red') this.#exit({ code: chance.int(1, 3), signal: null });
    else if (how === 'crash') this.#exit({ code: null, signal: 'SIGSEGV' });
  }

  #exit(exit: Exit): void {
    this.#world.host.exit(this.process, exit);
  }

  /** The runner's look at its limits. */
  #look(): void {
    this.#world.time.after(this.#start.runner.life, LOOK_MS, () => {
      if (this.#isOver) return;
      const now = this.#world.time.monotonic;
      const passed = now - this.#lookedAt;
      this.#lookedAt = now;
      if (passed > LOOK_MS + GAP_MS) {
        this.#startedAt += passed;
        this.#activeAt += passed;
      } else if (this.#isWaiting) this.#activeAt += passed;
      const { timeoutMs, idleMs } = this.#contract;
      if (timeoutMs > 0 && now - this.#startedAt >= timeoutMs) return this.#exceeded('time');
      if (idleMs > 0 && now - this.#activeAt >= idleMs) return this.#exceeded('idle');
      this.#look();
    });
  }

  #exceeded(limit: 'idle' | 'time'): void {
    this.#start.desk.add({ kind: 'limit.exceeded', limit });
    const { host, time } = this.#world;
    host.signal(this.process, 'SIGTERM');
    time.after(this.#start.runner.life, KILL_GRACE_MS, () => host.signal(this.process, 'SIGKILL'));
  }
}
