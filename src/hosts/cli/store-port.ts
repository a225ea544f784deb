/**
 * A project without a running supervisor: the same read models over the store, opened read-only.
 *
 * R1. Nothing is created and nothing is written; a store that is not there is an empty one.
 * R2. What changes something is answered with the way to start a supervisor.
 */
import { readFile } from 'node:fs/promises';
import type { OperationContext } from '../../operations/operation-context.ts';
import { readOnlyContext } from '../../operations/operation-context.ts';
import { catalogue } from '../../operations/catalogue.ts';
import { invokeOperation } from '../../operations/invoke-operation.ts';
import { openTrust } from '../../operations/trust.ts';
import { readArchivedArtifact } from '../../persistence/archived-artifacts.ts';
import { artifactPath } from '../../persistence/artifact-files.ts';
import { openSqliteReader } from '../../persistence/sqlite-reader.ts';
import type { JournalEntry, StoreReader } from '../../persistence/store.ts';
import { upgradedStore } from '../../supervisor/kernel/upgraded-store.ts';
import { openProcessTable } from '../../supervisor/processes/open-process-table.ts';
import type { EpochMs } from '../../machines/ids.ts';
import { coverageText } from '../rpc/coverage-text.ts';
import { decidePrincipal, lookAtProcesses } from '../rpc/principal.ts';
import type { CliIo } from './cli-io.ts';
import { configurationHere } from './configuration-here.ts';
import type { ConductorPort } from './conductor-port.ts';
import type { ProjectPlace } from './project-place.ts';

const PAGE = 1_000;

export const openStorePort = async (
  place: ProjectPlace,
  { env, isAtTerminal }: { readonly env: CliIo['env']; readonly isAtTerminal: boolean },
): Promise<ConductorPort> => {
  const { project, paths } = place;
  const reader = upgradedStore(await openSqliteReader(paths.database));
  const context = contextOf(place, reader, env);
  const facts = { key: project.projectKey, repoRoot: project.repoRoot, home: paths.root };
  return {
    call: async (operation, params) => {
      // Reading is open to everybody; only what decides needs to know who asks.
      const needsPrincipal = catalogue.get(operation)?.mutates === true;
      return invokeOperation(
        catalogue,
        { name: operation, params },
        { ...context, principal: needsPrincipal ? principalHere(isAtTerminal) : 'parent_agent' },
      );
    },
    subscribe: ({ after, signal }) => entriesAfter(reader, after, signal),
    facts: () => ({ supervisor: null, project: facts }),
    close: () => reader.close(),
  };
};

const principalHere = (isAtTerminal: boolean): OperationContext['principal'] =>
  decidePrincipal(
    { pid: process.pid, stdinTty: isAtTerminal, stdoutTty: isAtTerminal },
    lookAtProcesses(openProcessTable()),
  );

const contextOf = ({ project, paths }: ProjectPlace, reader: StoreReader, env: CliIo['env']): OperationContext =>
  readOnlyContext({
    reader,
    principal: 'parent_agent',
    clock: { now: () => Date.now() as EpochMs, after: () => () => {} },
    project: { key: project.projectKey, repoRoot: project.repoRoot, home: paths.root },
    config: configurationHere({ project, paths }, env),
    trust: openTrust(paths.root),
    artifacts: {
      read: async (row, maxBytes) => {
        const bytes = await readFile(artifactPath(paths.artifacts, row.sha256)).catch(() => null);
        return bytes?.subarray(0, maxBytes) ?? null;
      },
      readArchived: (archive, wanted) => readArchivedArtifact(paths.archive, archive, wanted),
    },
    machineCoverage: () => coverageText(project.repoRoot),
    signal: new AbortController().signal,
  });

async function* entriesAfter(reader: StoreReader, after: number, signal?: AbortSignal): AsyncGenerator<JournalEntry> {
  for (let last = after; ;) {
    const entries = await reader.listJournal({ after: last, limit: PAGE });
    for (const entry of entries) {
      if (signal?.aborted === true) return;
      yield entry;
      last = entry.seq;
    }
    if (entries.length < PAGE) return;
  }
}
