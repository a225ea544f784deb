/**
 * Makes the process of a run's runner: gives the contract to one that waits for it, else starts one.
 *
 * W4. Where cgroups are to be had a warm runner has one of its own too, under a name that it is told: which run it gets is not known
 *     when it is started.
 */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { devNull } from 'node:os';
import { join } from 'node:path';
import { ConductorError } from '../../machines/errors.ts';
import { containment, unitOfRun, wrapInScope } from '../processes/cgroup-scope.ts';
import type { ProcessIdentity } from '../processes/process-identity.ts';
import type { ProcessStarter } from '../processes/process-starter.ts';
import { COOKIE_VARIABLE, type ProcessTable } from '../processes/process-table.ts';
import type { StayingProgram } from '../processes/program-run.ts';
import { warmCookieOf, type ProjectFacts } from '../project.ts';
import { RUN_FILES, WARM, type Assignment, type RunnerContract } from '../runners/contract.ts';
import { PROTOCOL } from '../runners/protocol.ts';
import { createWarmRunners, type WarmRunners } from './warm-runners.ts';

export type RunnerPrograms = {
  /** The Node that runs them. */
  readonly node: string;
  /** Folder with `runner.cjs`, `child.cjs` and `conductor.mjs`. */
  readonly directory: string;
};

export type RunnerSpawnParts = {
  readonly runsDirectory: string;
  readonly starter: Pick<ProcessStarter, 'start' | 'startWaiting' | 'give'>;
  readonly table: Pick<ProcessTable, 'liveness' | 'signal'>;
  readonly programs: RunnerPrograms;
  readonly project: Pick<ProjectFacts, 'key' | 'version'>;
};

type Environment = Readonly<Record<string, string>>;

/** What systemd-run needs to find the user's manager. */
const MANAGER_NAMES = ['PATH', 'HOME', 'XDG_RUNTIME_DIR', 'DBUS_SESSION_BUS_ADDRESS'];

export class RunnerSpawn {
  readonly #parts: RunnerSpawnParts;
  readonly #warm: WarmRunners;
  #contained: Promise<boolean> | null = null;

  constructor(parts: RunnerSpawnParts) {
    this.#parts = parts;
    this.#warm = createWarmRunners({ ...parts, program: () => this.#warmProgram() });
  }

  /** @throws ConductorError `internal` when the process cannot be made. */
  async spawn(contract: RunnerContract, env: Environment): Promise<ProcessIdentity> {
    const path = join(contract.runDirectory, RUN_FILES.contract(contract.epoch));
    const inScope = await this.#mayHaveScope(contract);
    const isAsWarm = inScope === (await this.#hasScopes());
    const assignment: Assignment = { contract: path, env };
    const warm = isAsWarm ? await this.#warm.give(JSON.stringify(assignment)) : null;
    return warm ?? this.#startCold(contract, { path, env, inScope });
  }

  /** Ends the runners that no run was given. */
  close(): void {
    this.#warm.close();
  }

  async #startCold(
    { runId, epoch, runDirectory }: RunnerContract,
    { path, env, inScope }: { readonly path: string; readonly env: Environment; readonly inScope: boolean },
  ): Promise<ProcessIdentity> {
    const unit = inScope ? unitOfRun(runId, epoch) : null;
    const logPath = join(runDirectory, RUN_FILES.runnerLog);
    const started = await this.#parts.starter.start({
      ...this.#command([path], unit),
      cwd: runDirectory,
      env,
      logPath,
    });
    if ('identity' in started) return started.identity;
    throw new ConductorError('internal', `the runner of ${runId} could not be started: ${started.error}`, {
      retryable: true,
    });
  }

  async #warmProgram(): Promise<StayingProgram> {
    const { runsDirectory, project } = this.#parts;
    const unit = `conductor-warm-${randomBytes(8).toString('hex')}`;
    const inScope = await this.#hasScopes();
    const manager = MANAGER_NAMES.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    });
    return {
      ...this.#command([WARM, runsDirectory, unit], inScope ? unit : null),
      cwd: runsDirectory,
      env: {
        ...(inScope ? (Object.fromEntries(manager) as Environment) : {}),
        [COOKIE_VARIABLE]: warmCookieOf(project, PROTOCOL),
      },
      logPath: devNull,
    };
  }

  /** @param unit Makes a cgroup of this name for it: systemd-run becomes the runner, pid and all. */
  #command(args: readonly string[], unit: string | null): Pick<StayingProgram, 'file' | 'args'> {
    const { node, directory } = this.#parts.programs;
    // For memory-rest.ts.
    const command = [node, '--expose-gc', join(directory, 'runner.cjs'), ...args];
    const [file, ...rest] = unit === null ? command : wrapInScope(unit, command);
    return { file: file!, args: rest };
  }

  #hasScopes(): Promise<boolean> {
    this.#contained ??= containment().then(({ kind }) => kind === 'cgroup');
    return this.#contained;
  }

  /** The epoch before got none although it was to have one: whoever makes scopes here fails, and the run must not fail with it. */
  async #mayHaveScope({ runId, epoch }: RunnerContract): Promise<boolean> {
    const before = join(this.#parts.runsDirectory, runId, RUN_FILES.scope(epoch - 1));
    return (await this.#hasScopes()) && (epoch === 1 || existsSync(before));
  }
}
