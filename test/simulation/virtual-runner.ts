/**
 * A runner as the contract and the protocol describe it, deciding nothing: grant, setup, agent, verification, last word. The
 * real one is src/hosts/runner; this one has its order of steps and dies between any two of them.
 */
import { isConductorError } from '../../src/machines/errors.ts';
import type { RunnerContract } from '../../src/supervisor/runners/contract.ts';
import {
  INSTRUCTIONS,
  PROTOCOL,
  type AnswerInstruction,
  type EndAgent,
  type ExitRecord,
  type Finish,
  type ReadyAnswer,
  type RunnerPhase,
  type RunnerReady,
  type RunnerReport,
  type Verify,
} from '../../src/supervisor/runners/protocol.ts';
import { Connection, type RunnerEnd } from './connection.ts';
import { endGroup } from './process-end.ts';
import { VirtualAgent } from './virtual-agent.ts';
import { VirtualDesk, type Send } from './virtual-desk.ts';
import type { VirtualProcess } from './virtual-host.ts';
import type { World } from './world.ts';

const GRACE_MS = 10_000;
const UNGRANTED_MS = 60_000;
const RECONNECT_MAX_MS = 2_000;
const FAREWELL_MS = 2_000;

export class VirtualRunner implements RunnerEnd {
  readonly runId: string;
  readonly process: VirtualProcess;
  readonly #world: World;
  readonly #contract: RunnerContract;
  readonly #instance: string;
  /** The secret that its environment holds. */
  readonly #token: string;
  readonly #desk: VirtualDesk;
  readonly #bornAt: number;
  readonly #keys = new Set<string>();
  #connection: Connection | null = null;
  #granted = false;
  #phase: RunnerPhase = 'waiting';
  #agent: VirtualAgent | null = null;
  #exit: ExitRecord['agent'] = null;
  #unwanted = false;
  #signal: string | null = null;
  #leaving = false;
  #verification: VirtualProcess | null = null;
  readonly #lastWord: (() => void)[] = [];

  constructor(
    world: World,
    contract: RunnerContract,
    { ppid, token }: { readonly ppid: number; readonly token: string },
  ) {
    this.#world = world;
    this.#token = token;
    this.#contract = contract;
    this.runId = contract.runId;
    this.#instance = `i${String(world.chance.int(0, 2 ** 31))}`;
    this.#bornAt = world.time.monotonic;
    this.process = world.host.spawn({
      ppid,
      command: 'runner',
      // One that was started before it had a contract does not carry its cookie.
      cookie: world.happens('runner was warm', 0.5) ? null : contract.cookie,
      owner: contract.cookie,
      cwd: null,
      onSignal: (signal) => this.#onSignal(signal),
    });
    this.#desk = new VirtualDesk(world, this.process, world.files.spool(contract.runId, contract.epoch));
    world.witness.runnerStarts(contract.runId, contract.epoch, this.process);
    this.process.onExit.push(() => this.#connection?.close());
    this.#later(world.chance.int(20, 80), () => this.#connect());
    if (world.trouble.doomedRuns.has(contract.runId)) {
      this.#later(world.chance.int(1, 25), () => world.host.exit(this.process, { code: 1, signal: null }));
    }
  }

  get life() {
    return this.process.life;
  }

  instruct(method: string, params: unknown, reply: (result: unknown) => void): void {
    if (method === INSTRUCTIONS.endAgent) this.#endOnce(params as EndAgent, reply);
    else if (method === INSTRUCTIONS.verify) this.#verify(params as Verify, reply);
    else if (method === INSTRUCTIONS.answer) {
      reply({ delivered: this.#agent?.hear(params as AnswerInstruction) ?? false });
    } else {
      this.#lastWord.push(() => reply(null));
      this.#leave(0, (params as Finish).graceMs);
    }
  }

  away(connection: Connection): void {
    if (this.#connection !== connection) return;
    this.#connection = null;
    this.#desk.detach();
    if (!this.#leaving) this.#later(this.#world.chance.int(25, RECONNECT_MAX_MS), () => this.#connect());
  }

  #later(ms: number, run: () => void): void {
    this.#world.time.after(this.life, ms, run);
  }

  #connect(): void {
    if (this.#connection !== null || (this.#leaving && !this.#granted)) return;
    const { door, time, chance } = this.#world;
    if (door === null) {
      const isTooLate = !this.#granted && time.monotonic - this.#bornAt > UNGRANTED_MS;
      if (isTooLate) return this.#world.host.exit(this.process, { code: 0, signal: null });
      return this.#later(chance.int(25, RECONNECT_MAX_MS), () => this.#connect());
    }
    const connection = new Connection(this.#world, door, this);
    this.#connection = connection;
    const ready: RunnerReady = {
      ...this.#address,
      protocol: PROTOCOL,
      version: this.#contract.version,
      identity: this.process.identity,
      spoolSeq: this.#desk.lastSeq,
      secrets: [this.#token],
    };
    connection.up(({ intake }) => {
      void intake.ready(ready, connection.link).then(
        (answer) => connection.down(() => this.#answered(connection, answer)),
        () => connection.down(() => connection.close()),
      );
    });
  }

  get #address() {
    const { runId, epoch, token } = this.#contract;
    return { runId, epoch, instance: this.#instance, token };
  }

  #answered(connection: Connection, answer: ReadyAnswer): void {
    if (this.#connection !== connection) return;
    if (answer.kind === 'denied') {
      if (!this.#granted) return this.#world.host.exit(this.process, { code: 0, signal: null });
      return this.#leave(0, GRACE_MS);
    }
    const { runId, epoch } = this.#contract;
    this.#world.witness.granted(runId, epoch, this.process);
    this.#beat(connection);
    this.#desk.attach(this.#sender(connection), answer.appliedSeq);
    if (this.#granted) return;
    this.#granted = true;
    if (epoch > 1 && this.#world.happens('message of an old epoch', 0.3)) this.#repeatOld();
    this.#setUp();
  }

  #sender(connection: Connection): Send {
    return (entries, settle) => {
      const report: RunnerReport = { ...this.#address, entries };
      connection.up(({ intake }) => {
        void intake.report(report).then(
          (words) => connection.down(() => settle(words)),
          (error: unknown) => {
            if (isConductorError(error, 'overloaded')) this.#world.witness.fault('report overloaded');
            connection.down(() => settle(null));
          },
        );
        if (this.#world.happens('message duplicated', 0.03)) this.#repeatLate(report);
      });
    };
  }

  /** A copy that comes again, perhaps to another supervisor, perhaps under an epoch that is over. */
  #repeatLate(report: RunnerReport): void {
    const { time, chance, life } = this.#world;
    time.after(life, chance.wait(chance.pick([200, 5_000, 60_000])), () => {
      const { door } = this.#world;
      if (door !== null) time.arrive(door.life, 1, () => void door.intake.report(report).catch(() => null));
    });
  }

  /** What the epoch before had in its spool arrives while this one runs. */
  #repeatOld(): void {
    const { files } = this.#world;
    const { runId, epoch, token } = files.contract(this.runId, this.#contract.epoch - 1);
    const entries = files.readSpool(runId, epoch);
    if (entries.length > 0) this.#repeatLate({ runId, epoch, token, instance: this.#instance, entries });
  }

  #beat(connection: Connection): void {
    if (!connection.isOpen) return;
    const { identity } = this.process;
    connection.up(({ intake }) => {
      intake.heartbeat({
        ...this.#address,
        identity,
        agent: this.#agent?.record ?? null,
        idleMs: 0,
        outputBytes: 0,
        phase: this.#verification === null ? this.#phase : 'verifying',
      });
    });
    this.#later(this.#contract.heartbeatMs, () => this.#beat(connection));
  }

  #setUp(): void {
    const { setup, agent } = this.#contract;
    if (setup.length === 0) return this.#startAgent();
    this.#phase = 'setup';
    this.#later(this.#world.chance.int(50, 4_000), () => {
      if (this.#world.chance.is(0.08)) {
        this.#phase = 'ended';
        this.#desk.add({ kind: 'setup.failed', message: 'npm ci ended with exit code 1' });
      } else if (agent !== null) this.#startAgent();
    });
  }

  #startAgent(): void {
    const { agent } = this.#contract;
    if (this.#phase !== 'finishing') this.#phase = 'ended';
    if (agent === null) return;
    if (this.#unwanted) return this.#reportExit({ code: null, signal: this.#signal ?? 'SIGTERM', spawnError: null });
    if (this.#world.chance.is(0.01)) return this.#reportExit({ code: null, signal: null, spawnError: 'ENOENT' });
    this.#world.git.write(this.runId, this.#token);
    const started = VirtualAgent.start(this.#world, this.#contract, {
      runner: this.process,
      instance: this.#instance,
      desk: this.#desk,
      onExit: (exit) => {
        const how = this.#signal === null ? exit : { code: null, signal: this.#signal };
        if (this.#phase === 'agent') this.#phase = 'ended';
        this.#reportExit({ ...how, spawnError: null });
      },
    });
    if (started === null) {
      this.#lastWord.splice(0);
      return this.#world.host.exit(this.process, { code: 1, signal: null });
    }
    this.#phase = 'agent';
    this.#agent = started;
  }

  #reportExit(exit: NonNullable<ExitRecord['agent']>): void {
    if (this.#exit !== null) return;
    this.#exit = exit;
    this.#desk.add({ kind: 'agent.exited', ...exit });
  }

  #endOnce({ graceMs }: EndAgent, reply: (result: unknown) => void): void {
    this.#endAgent(graceMs, () =>
      reply({ ended: true, code: this.#exit?.code ?? null, signal: this.#exit?.signal ?? null }),
    );
  }

  #endAgent(graceMs: number, done: () => void): void {
    this.#unwanted = true;
    const agent = this.#agent;
    if (agent === null) return done();
    endGroup(this.#world, this.life, { group: agent.process.pgid, graceMs, done });
  }

  #verify({ key }: Verify, reply: (result: unknown) => void): void {
    reply(null);
    if (this.#keys.has(key) || this.#leaving) return;
    this.#keys.add(key);
    const { chance, host } = this.#world;
    const { cookie, worktreePath: cwd } = this.#contract;
    const command = host.spawn({ ppid: this.process.identity.pid, command: 'verify', cookie, cwd });
    this.#verification = command;
    this.#world.time.after(command.life, chance.int(100, 6_000), () => host.exit(command, { code: 0, signal: null }));
    command.onExit.push(({ signal }) => {
      this.#later(0, () => {
        this.#verification = null;
        if (this.#leaving) return;
        const ok = signal === null && chance.is(0.8);
        const message = ok ? '1 command passed' : 'npm test ended with exit code 1';
        this.#desk.add({ kind: 'verification.finished', key, ok, message, results: [] });
      });
    });
  }

  #onSignal(signal: string): boolean {
    if (!this.#granted) return false;
    this.#signal ??= signal;
    this.#leave(0, GRACE_MS);
    return true;
  }

  /** Ends what runs, writes the last word, tells it, goes. */
  #leave(code: number, graceMs: number): void {
    if (this.#leaving) return;
    this.#leaving = true;
    this.#phase = 'finishing';
    if (this.#verification !== null) this.#world.host.signal(this.#verification, 'SIGKILL');
    this.#endAgent(graceMs, () => {
      this.#later(1, () => {
        const { runId, epoch } = this.#contract;
        const lastSeq = this.#desk.lastSeq;
        const at = this.#world.time.wall;
        this.#world.files.writeExit({ runId, epoch, instance: this.#instance, at, lastSeq, agent: this.#exit });
        for (const tell of this.#lastWord.splice(0)) tell();
        this.#farewell(code, this.#world.time.monotonic + FAREWELL_MS);
      });
    });
  }

  #farewell(code: number, until: number): void {
    if (this.#desk.isDrained || this.#world.time.monotonic >= until) {
      // The last answers are on their way before the connection ends.
      return this.#later(1, () => this.#world.host.exit(this.process, { code, signal: null }));
    }
    this.#later(50, () => this.#farewell(code, until));
  }
}
