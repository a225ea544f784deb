/**
 * Writes the golden snapshots of the machines' present versions, one of each state: `node test/supervisor/kernel/write-golden.ts`.
 * For a version that is not released yet. What is released is never written again.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { persistedSubjects } from '../../machines/cases/subjects.ts';
import { explore } from '../../machines/graph/explore.ts';

for (const subject of persistedSubjects) {
  const version = subject.machine.version ?? '';
  const byState = new Map<string, unknown>();
  for (const { snapshot } of explore(subject).nodes.values()) {
    const { status, value, context } = snapshot;
    const id = context[`${subject.name}Id`];
    byState.set(JSON.stringify(value), { id, kind: subject.name, version, snapshot: { status, value, context } });
  }
  const folder = new URL(`./golden/v${version}/`, import.meta.url);
  mkdirSync(folder, { recursive: true });
  writeFileSync(new URL(`${subject.name}.json`, folder), `${JSON.stringify([...byState.values()], null, 2)}\n`);
}
