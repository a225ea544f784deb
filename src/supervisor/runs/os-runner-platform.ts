/** Runners as real processes, and the files of a run's directory. The adapter of `runner-platform.ts`. */
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { writeWholeFile } from '../../persistence/whole-file.ts';
import { openScope, type CgroupScope } from '../processes/cgroup-scope.ts';
import type { ProcessStarter } from '../processes/process-starter.ts';
import { RUN_FILES, type RunnerContract } from '../runners/contract.ts';
import { childShim } from '../runners/environment.ts';
import type { AgentRecord, ExitRecord, ReportedArtifact, SpoolEntry } from '../runners/protocol.ts';
import { readSpool } from '../runners/spool.ts';
import { openPipeStock } from './pipe-stock.ts';
import type { EvidenceFile, RunnerPlatform, StartRecord } from './runner-platform.ts';
import { readRunnerRecord, writeRunnerRecord } from './runner-record.ts';
import { RunnerSpawn, type RunnerPrograms, type RunnerSpawnParts } from './runner-spawn.ts';

export type OsRunnerPlatformOptions = Omit<RunnerSpawnParts, 'starter'> & { readonly starter: ProcessStarter };

export function createOsRunnerPlatform(options: OsRunnerPlatformOptions): RunnerPlatform {
  const { runsDirectory, starter, programs } = options;
  const runners = new RunnerSpawn(options);
  const pipes = openPipeStock(join(runsDirectory, 'pipes'), starter.run);
  const directoryOf = (runId: string): string => join(runsDirectory, runId);
  const scopePathOf = (runId: string, epoch: number): string => join(directoryOf(runId), RUN_FILES.scope(epoch));
  return {
    install: async (contract, files) => {
      await install(programs, contract, files);
      await pipes.giveTo(contract.runDirectory);
    },
    hides: (runId, epoch) => Promise.resolve(readHides(join(directoryOf(runId), RUN_FILES.contract(epoch)))),
    spawn: (contract, environment) => runners.spawn(contract, environment),
    recordRunner: (runId, epoch, runner) =>
      writeRunnerRecord(join(directoryOf(runId), RUN_FILES.runner(epoch)), runner),
    readRunner: (runId, epoch) => Promise.resolve(readRunnerRecord(join(directoryOf(runId), RUN_FILES.runner(epoch)))),
    close: () => runners.close(),
    readSpool: (runId, epoch) => Promise.resolve(readSpool(join(directoryOf(runId), RUN_FILES.spool(epoch))).entries),
    readExit: (runId, epoch) =>
      Promise.resolve(readRecord<ExitRecord>(join(directoryOf(runId), RUN_FILES.exit(epoch)), isExitRecord)),
    readStart: (runId, epoch) => Promise.resolve(readStart(join(directoryOf(runId), RUN_FILES.agent(epoch)))),
    readScope: (runId, epoch) => Promise.resolve(readScope(scopePathOf(runId, epoch))),
    removeSocket: (path) => rm(path, { force: true }),
    evidence: (runId) => Promise.resolve(listEvidence(directoryOf(runId))),
    isSetUp: (worktreePath, setupKey) => Promise.resolve(readMark(worktreePath) === setupKey),
    markSetUp: async (worktreePath, setupKey) => {
      const mark = setupMark(worktreePath);
      if (mark !== null && readMark(worktreePath) !== setupKey) await writeWholeFile(mark, setupKey);
    },
  };
}

async function install(
  programs: RunnerPrograms,
  contract: RunnerContract,
  files: { readonly prompt: string | null; readonly dependencies: unknown },
): Promise<void> {
  const { runDirectory } = contract;
  mkdirSync(join(runDirectory, RUN_FILES.bin), { recursive: true, mode: 0o700 });
  mkdirSync(contract.artifactsDirectory, { recursive: true, mode: 0o700 });
  // Made again with every start, so that a torn one never matters; only the contract is worth an fsync.
  const shim = childShim(programs.node, join(programs.directory, 'conductor.mjs'));
  writeFileSync(join(runDirectory, RUN_FILES.bin, 'conductor'), shim, { mode: 0o700 });
  if (contract.promptFile !== null) writeFileSync(contract.promptFile, files.prompt ?? '', { mode: 0o600 });
  if (contract.dependenciesFile !== null) {
    writeFileSync(contract.dependenciesFile, `${JSON.stringify(files.dependencies, null, 2)}\n`, { mode: 0o600 });
  }
  await writeWholeFile(
    join(runDirectory, RUN_FILES.contract(contract.epoch)),
    `${JSON.stringify(contract, null, 2)}\n`,
  );
}

function readScope(path: string): CgroupScope | null {
  try {
    return openScope(readFileSync(path, 'utf8').trim());
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** A contract that is not there gave nobody a value; one that cannot be read may have. */
function readHides(path: string): boolean {
  try {
    return (JSON.parse(readFileSync(path, 'utf8')) as Partial<RunnerContract>).hides === true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ENOENT';
  }
}

function readStart(path: string): StartRecord {
  if (!existsSync(path)) return { kind: 'missing' };
  const record = readRecord<AgentRecord>(path, isAgentRecord);
  return record === null ? { kind: 'unreadable' } : { kind: 'present', record };
}

function readRecord<Type>(path: string, isRecord: (value: Partial<Type>) => boolean): Type | null {
  try {
    const value = JSON.parse(readFileSync(path, 'utf8')) as Partial<Type> | null;
    return value !== null && typeof value === 'object' && isRecord(value) ? (value as Type) : null;
  } catch {
    return null; // Missing or torn: it says nothing, and the caller goes by what else there is.
  }
}

const isAgentRecord = (value: Partial<AgentRecord>): boolean =>
  typeof value.agent?.pid === 'number' && typeof value.runner?.pid === 'number' && typeof value.pgid === 'number';
const isExitRecord = (value: Partial<ExitRecord>): boolean =>
  typeof value.epoch === 'number' && typeof value.lastSeq === 'number';

/** Log, verification logs, and what children handed in under the type they named. */
function listEvidence(directory: string): readonly EvidenceFile[] {
  const found: EvidenceFile[] = [];
  const addFile = (file: Omit<EvidenceFile, 'metadata'>): void => {
    const stats = lstatSync(file.path, { throwIfNoEntry: false });
    if (stats?.isFile() === true && stats.size > 0) found.push({ ...file, metadata: {} });
  };
  if (!existsSync(directory)) return found;
  addFile({ type: 'log', name: RUN_FILES.output, path: join(directory, RUN_FILES.output), isRedacted: true });
  for (const name of readdirSync(directory).toSorted()) {
    const path = join(directory, name);
    if (/^verify-.*\.log$/.test(name)) addFile({ type: 'test_result', name, path, isRedacted: true });
  }
  const artifacts = join(directory, RUN_FILES.artifacts);
  const types = handedInTypes(directory);
  const names = existsSync(artifacts) ? readdirSync(artifacts).toSorted() : [];
  for (const name of names) {
    // Copies of the runner lie here, and what anything that ran there left.
    addFile({ type: types.get(name) ?? 'other', name, path: join(artifacts, name), isRedacted: false });
  }
  return found;
}

/** Type by name, from the reports of every epoch. */
function handedInTypes(directory: string): ReadonlyMap<string, string> {
  const types = new Map<string, string>();
  const spools = readdirSync(directory).filter((name) => /^spool(?:\.\d+)?\.ndjson$/.test(name));
  for (const { body } of spools.flatMap((name): readonly SpoolEntry[] => readSpool(join(directory, name)).entries)) {
    const artifacts: readonly ReportedArtifact[] = 'artifacts' in body ? body.artifacts : [];
    for (const { name, type } of artifacts) types.set(name, type);
  }
  return types;
}

/** Lies in the worktree's own git directory, where the agent's commits and cleanups do not reach. */
function setupMark(worktreePath: string): string | null {
  try {
    const line = /^gitdir: (.+)$/m.exec(readFileSync(join(worktreePath, '.git'), 'utf8'))?.[1];
    if (line === undefined) return null;
    return join(isAbsolute(line) ? line : join(dirname(worktreePath), line), 'conductor-setup');
  } catch {
    return null; // No worktree there: then nothing was set up either.
  }
}

function readMark(worktreePath: string): string | null {
  const mark = setupMark(worktreePath);
  return mark !== null && existsSync(mark) ? readFileSync(mark, 'utf8').trim() : null;
}
