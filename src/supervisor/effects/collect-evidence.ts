/**
 * Copies what a run left as evidence: log, changed files, verification output, completion report, files children handed in.
 *
 * V1. The values of granted variables are in no copy, whoever wrote them: an agent may commit one, or put it into a file that no
 *     runner has seen.
 */
import type { ArtifactId, EpochMs } from '../../machines/ids.ts';
import type { ArtifactRow } from '../../persistence/store.ts';
import { SECRET_ALLOWED_NAMES } from '../runners/environment.ts';
import type { RunParts } from '../runs/run-parts.ts';
import type { RunFacts } from './run-facts.ts';

/** Artifacts kept of one run. */
const ARTIFACTS_MAX = 64;
/** Bytes of a patch that are kept. */
const PATCH_BYTES_MAX = 16 * 1_048_576;

type Kept = { readonly sha256: string; readonly bytes: number; readonly truncated: boolean };
type Add = (
  what: { readonly type: string; readonly name: string; readonly metadata?: ArtifactRow['metadata'] },
  kept: Kept,
) => void;

export async function collectEvidence(parts: RunParts, facts: RunFacts): Promise<readonly ArtifactRow[]> {
  const { run, task } = facts;
  const createdAt: EpochMs = parts.clock.now();
  const secrets = secretsOf(parts, facts);
  const rows: ArtifactRow[] = [];
  const add: Add = ({ type, name, metadata = {} }, kept) => {
    if (rows.length >= ARTIFACTS_MAX) return;
    rows.push({
      artifactId: parts.newId('artifact') as ArtifactId,
      type,
      name,
      ...kept,
      producer: type === 'note' || type === 'other' ? 'child_run' : 'system',
      taskId: task.taskId,
      runId: run.runId,
      objectiveId: task.objectiveId,
      workerId: run.workerId,
      metadata,
      createdAt,
    });
  };
  if (run.completion !== null && run.completion.summary !== '') {
    const { summary, status } = run.completion;
    add(
      { type: 'completion_report', name: 'completion.txt', metadata: { status } },
      await parts.evidence.keepText(summary, secrets),
    );
  }
  await addChanges(parts, facts, add);
  if (run.worktreePath === null) return rows;
  for (const file of await parts.platform.evidence(run.runId)) {
    try {
      add(file, await parts.evidence.keepFile(file, secrets));
    } catch {
      // Gone or unreadable since it was listed: the others still count (Z3 in finish-run.ts).
    }
  }
  return rows;
}

/** V1. */
const secretsOf = ({ granted }: RunParts, { task, spec }: RunFacts): readonly string[] =>
  granted.secretsOf(task.taskId, [...spec.envNames, ...SECRET_ALLOWED_NAMES], spec.env);

async function addChanges(parts: RunParts, facts: RunFacts, add: Add): Promise<void> {
  const { run, worker } = facts;
  if (run.commit === null || run.baseCommit === null || run.changedFiles === 0) return;
  const worktreePath = run.worktreePath ?? worker.worktreePath;
  try {
    const { baseCommit, branch, commit } = run;
    const diff = await parts.workspaces.diff({ worktreePath, from: baseCommit, to: commit, bytesMax: PATCH_BYTES_MAX });
    // What was cut off in the middle of a value would not be found: only whole lines are kept.
    const patch = diff.truncated ? diff.patch.slice(0, diff.patch.lastIndexOf('\n') + 1) : diff.patch;
    const kept = await parts.evidence.keepText(`${diff.stat}\n${patch}`, secretsOf(parts, facts));
    const metadata = { files: diff.files.slice(0, 200), fileCount: diff.files.length, branch, commit };
    const truncated = kept.truncated || diff.truncated;
    add({ type: 'changed_files', name: 'changes.patch', metadata }, { ...kept, truncated });
  } catch {
    // The commit stands on its branch; only the copy of its diff is missing (Z3 in finish-run.ts).
  }
}
