/**
 * Goal: the value of a secret variable is in no artifact of a run, also when the agent commits it or leaves it among its artifacts,
 * and also when the task is canceled, or when the supervisor that knew the value is not there any more.
 * Method: a real supervisor, runner and agent; every stored copy is searched for the value.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
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
const leakOf = (name: string): string =>
  [
    manyLines + ' > large.txt',
    `printf "key=%s\\n" "$${name}" > key.txt`,
    `printf "%s" "$${name}" | base64 > "$CONDUCTOR_ARTIFACTS/key.b64"`,
    `printf "%s" "$${name}" > "$CONDUCTOR_ARTIFACTS/key.raw"`,
    `echo "$${name}"`,
  ].join('\n');
const leak = leakOf('OPENAI_API_KEY');
const isIn = (text: string): boolean =>
  text.includes(secret) || text.includes(Buffer.from(secret).toString('base64').slice(0, 20));

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

test('nor those of a run that outlived the supervisor to which a client had sent the value', async () => {
  await project.kill();
  mkdirSync(project.at('config/conductor'), { recursive: true });
  writeFileSync(project.at('config/conductor/config.yaml'), 'env: [KEY_OF_A_CLIENT]\n');
  const environment = { XDG_CONFIG_HOME: project.at('config'), OPENAI_API_KEY: '' };
  await project.start(environment);
  const run = `${leakOf('KEY_OF_A_CLIENT')}\n${project.tells('leaked')}\n${project.waits('go')}`;
  const plan = { objective: 'leak', tasks: [{ id: 'main', run, completion: 'exit-code' }] };
  const { details } = await project.client.call('conductor_run_plan', { plan }, { env: { KEY_OF_A_CLIENT: secret } });
  await until('the leak', () => project.said('leaked').length > 0);
  await project.kill();
  await project.start(environment);
  const taskId = (details as { tasks: Record<string, string> }).tasks['main']!;
  const { runId } = await project.runOf(taskId);
  const live = await until('its runner has come back', () =>
    project.details<{ patch: string }>('conductor_read_diff', { runId }).catch(() => null),
  );
  expect(live.patch).toContain('+key=[redacted]');
  project.say('go');
  await project.taskIs(taskId, 'completed');
  const copies = await copiesOf(runId);
  expect([...copies.keys()].toSorted()).toEqual(['changes.patch', 'key.b64', 'key.raw', 'output.log']);
  for (const [name, text] of copies)
    expect([name, isIn(text), text.includes('[redacted]')]).toEqual([name, false, true]);
});

test('H2: when supervisor and runner both ended, what may hold a value is neither copied nor shown', async () => {
  const { tasks } = await project.plan({
    objective: 'leak',
    tasks: [
      {
        id: 'main',
        run: leak,
        completion: 'exit-code',
        verify: [`${project.tells('checks')}; ${project.waits('go')}`],
      },
    ],
  });
  await until('the verification', () => project.said('checks').length > 0);
  const { runId } = await project.runOf(tasks['main']!);
  await project.kill();
  process.kill(project.startRecord(runId).runner.pid, 'SIGKILL');
  await project.start({ OPENAI_API_KEY: '' });
  await until('it is verified again', () => project.said('checks').length > 1);
  const shown = await project.details('conductor_read_diff', { runId }).catch((error: unknown) => error);
  expect(String(shown)).toContain('not shown: this run was given secret values that nobody knows any more');
  project.say('go');
  await project.taskIs(tasks['main']!, 'completed');
  const { commit } = await project.runOf(tasks['main']!);
  const copies = await copiesOf(runId);
  for (const [name, text] of copies) expect([name, isIn(text)]).toEqual([name, false]);
  expect(copies.get('output.log')).toContain('[redacted]');
  expect(copies.get('key.raw')).toMatch(/^Not copied: .* It lies in .*key\.raw until/);
  expect(copies.get('changes.patch')).toMatch(/key\.txt[^]*Not copied: .* git diff \w+ \w+ shows it\.\n$/);
  const kept = await project.details('conductor_read_diff', { runId }).catch((error: unknown) => error);
  expect(String(kept)).toContain('the patch was not kept');
  expect(project.git('show', `${commit!}:key.txt`)).toBe(`key=${secret}\n`);
});
