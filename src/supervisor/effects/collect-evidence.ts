/**
 * Copies what a run left as evidence: log, changed files, verification output, completion report, files children handed in.
 *
 * V1. The values of granted variables are in no copy, whoever wrote them: an agent may commit one, or put it into a file that no
 *     runner has seen.
 * V2. What may hold a value that is not known is not copied. In its place it is said where it stands.
 */
import type { ArtifactId, EpochMs } from '../../machines/ids.ts';
import type { ArtifactRow } from '../../persistence/store.ts';
import type { RunParts } from '../runs/run-parts.ts';
import { hiddenValues, type HiddenValues } from './hidden-values.ts';
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
  const hidden = await hiddenValues(parts, facts);
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
      await parts.evidence.keepText(summary, hidden.values),
    );
  }
  await addChanges(parts, facts, { add, hidden });
  if (run.worktreePath === null) return rows;
  for (const file of await parts.platform.evidence(run.runId)) {
    try {
      if (hidden.missing === null || file.isRedacted) add(file, await parts.evidence.keepFile(file, hidden.values));
      else {
        const text = `Not copied: ${hidden.missing}. It lies in ${file.path} until that folder is removed.\n`;
        const metadata = { ...file.metadata, withheld: hidden.missing };
        add({ ...file, metadata }, await parts.evidence.keepText(text, hidden.values));
      }
    } catch {
      // Gone or unreadable since it was listed: the others still count (Z3 in finish-run.ts).
    }
  }
  return rows;
}

type Adding = { readonly add: Add; readonly hidden: HiddenValues };

async function addChanges(parts: RunParts, facts: RunFacts, { add, hidden }: Adding): Promise<void> {
  const { run, worker } = facts;
  if (run.commit === null || run.baseCommit === null || run.changedFiles === 0) return;
  const worktreePath = run.worktreePath ?? worker.worktreePath;
  try {
    const { baseCommit, branch, commit } = run;
    const diff = await parts.workspaces.diff({ worktreePath, from: baseCommit, to: commit, bytesMax: PATCH_BYTES_MAX });
    const text = hidden.missing === null ? wholeLines(diff) : `Not copied: ${hidden.missing}. ${howToSee(run)}\n`;
    const kept = await parts.evidence.keepText(`${diff.stat}\n${text}`, hidden.values);
    const files = { files: diff.files.slice(0, 200), fileCount: diff.files.length, branch, commit };
    const metadata = hidden.missing === null ? files : { ...files, withheld: hidden.missing };
    const truncated = kept.truncated || (hidden.missing === null && diff.truncated);
    add({ type: 'changed_files', name: 'changes.patch', metadata }, { ...kept, truncated });
  } catch {
    // The commit stands on its branch; only the copy of its diff is missing (Z3 in finish-run.ts).
  }
}

/** What was cut off in the middle of a value would not be found: only whole lines are kept. */
const wholeLines = ({ patch, truncated }: { readonly patch: string; readonly truncated: boolean }): string =>
  truncated ? patch.slice(0, patch.lastIndexOf('\n') + 1) : patch;

const howToSee = ({ baseCommit, commit }: RunFacts['run']): string => `git diff ${baseCommit!} ${commit!} shows it.`;
