/**
 * Goal: the value of a secret variable is in no artifact of a run, also when the agent commits it or leaves it among its artifacts,
 * and also when the task is canceled.
 * Method: a real supervisor, runner and agent; every stored copy is searched for the value.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { artifactPath } from '../../src/persistence/artifact-files.ts';
import { ProjectFixture, until } from './project-fixture.ts';

const secret = 'correct-horse/battery+staple=42';
/** Enough lines that the patch is kept in a thread. */
const manyLines = 'seq 1 60000';

let project: ProjectFixture;
beforeEach(async () => {
  project = await ProjectFixture.make();
  await project.start({ OPENAI_API_KEY: secret });
});
afterEach(() => project.close());

const copiesOf = async (runId: string): Promise<ReadonlyMap<string, string>> => {
  const rows = await project.artifacts(runId);
  return new Map(
    rows.map(({ name, sha256 }) => [name, readFileSync(artifactPath(project.paths.artifacts, sha256), 'latin1')]),
  );
};
const leak = [
  manyLines + ' > large.txt',
  'printf "key=%s\\n" "$OPENAI_API_KEY" > key.txt',
  'printf "%s" "$OPENAI_API_KEY" | base64 > "$CONDUCTOR_ARTIFACTS/key.b64"',
  'printf "%s" "$OPENAI_API_KEY" > "$CONDUCTOR_ARTIFACTS/key.raw"',
  'echo "$OPENAI_API_KEY"',
].join('\n');

test('neither patch, nor log, nor files left by the agent hold it', async () => {
  const { tasks } = await project.plan({
    objective: 'leak',
    tasks: [{ id: 'main', run: leak, completion: 'exit-code' }],
  });
  const task = await project.taskIs(tasks['main']!, 'completed');
  const run = await project.runOf(task.taskId);
  const copies = await copiesOf(run.runId);
  expect([...copies.keys()].toSorted()).toEqual(['changes.patch', 'key.b64', 'key.raw', 'output.log']);
  for (const text of copies.values()) {
    expect(text).not.toContain(secret);
    expect(text).not.toContain(Buffer.from(secret).toString('base64').slice(0, 20));
    expect(text).toContain('[redacted]');
  }
  expect(copies.get('changes.patch')).toContain('+key=[redacted]');
  expect(copies.get('changes.patch')!.length).toBeGreaterThan(300_000);
  // What the agent committed is its own business: only copies are ours.
  expect(project.git('show', `${run.commit!}:key.txt`)).toBe(`key=${secret}\n`);
});

test('nor those of a canceled task', async () => {
  const { tasks } = await project.plan({
    objective: 'leak',
    tasks: [{ id: 'main', run: `${leak}\n${project.tells('leaked')}\nsleep 600`, completion: 'exit-code' }],
  });
  await until('the leak', () => project.said('leaked').length > 0);
  await project.details('conductor_cancel_task', { taskId: tasks['main']!, reason: 'enough' });
  const { runId } = await project.runOf(tasks['main']!);
  await until('the end', async () => (await project.runOf(tasks['main']!)).status === 'aborted');
  const copies = await copiesOf(runId);
  expect(copies.size).toBeGreaterThan(0);
  for (const [name, text] of copies) expect(text, join(runId, name)).not.toContain(secret);
});
