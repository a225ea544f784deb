/**
 * Goal: a disk that takes no more is said as such, nothing is half done, and everything goes on when there is room again.
 * Method: the store gets a page limit (a real SQLITE_FULL), the runner's spool a file size limit (a real EFBIG), by prlimit(1).
 */
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { isConductorError } from '../../src/machines/errors.ts';
import { ProjectFixture, until } from './project-fixture.ts';

let project: ProjectFixture;
afterEach(() => project.close());

const PAGE_BYTES = 4_096;
/** Pages that are left: enough to go on for a while, few enough to be used up soon. */
const ROOM_PAGES = 24;

/** Waits with what it has to do until `go`. */
const waiting = (name: string): object => ({
  id: name,
  run: `${project.tells('executed', name)}; ${project.waits('go')}; echo ${name} > ${name}.txt`,
  completion: 'exit-code',
});

async function restartWithLittleRoom(): Promise<void> {
  await project.client.stop('keep');
  await project.ended();
  const maxPages = Math.ceil(statSync(project.paths.database).size / PAGE_BYTES) + ROOM_PAGES;
  await project.start({ STORE_LIMITS: JSON.stringify({ maxPages }) });
}

/** Makes drafts until the store refuses one. @returns the ids that were acknowledged, and the refusal. */
async function fillStore(): Promise<{ readonly ids: readonly string[]; readonly refusal: unknown }> {
  const ids: string[] = [];
  for (;;) {
    try {
      const prompt = 'x'.repeat(1_000).concat(String(ids.length));
      const { objectiveId } = await project.details<{ objectiveId: string }>('conductor_create_objective', {
        title: 'Filler',
        prompt,
      });
      ids.push(objectiveId);
    } catch (refusal) {
      return { ids, refusal };
    }
    if (ids.length > 1_000) throw new Error('the store took more than its limit');
  }
}

const objectiveIds = async (): Promise<readonly string[]> => {
  const { items } = await project.details<{ items: { objectiveId: string; title: string }[] }>(
    'conductor_list_objectives',
    { limit: 100 },
  );
  return items.filter(({ title }) => title === 'Filler').map(({ objectiveId }) => objectiveId);
};

test('the store is full: callers hear store_full, what was acknowledged is there, reads go on, a live run is not lost', async () => {
  project = await ProjectFixture.make();
  await project.start();
  const { tasks } = await project.plan({ objective: 'Before', tasks: [waiting('one')] });
  await until('the agent', () => project.said('executed').length === 1);
  await restartWithLittleRoom();

  const { ids, refusal } = await fillStore();
  expect(isConductorError(refusal, 'store_full')).toBe(true);
  expect((await objectiveIds()).toSorted()).toEqual(ids.toSorted());
  const plan = { objective: 'Refused', tasks: [waiting('two'), waiting('three')] };
  await expect(project.plan(plan)).rejects.toMatchObject({ code: 'store_full' });
  expect((await project.tasks()).map(({ taskId }) => taskId)).toEqual([tasks['one']]);
  expect((await project.runOf(tasks['one']!)).status).toBe('running');

  // It ends while nobody can write it down: its spool keeps it.
  project.say('go');
  await until('the agent to end', () => project.processes().length === 1);
  await project.kill();
  await project.start();
  await project.taskIs(tasks['one']!, 'completed');
  expect(project.said('executed')).toEqual(['one']);
  expect((await objectiveIds()).toSorted()).toEqual(ids.toSorted());
  const again = await project.plan(plan);
  await project.taskIs(again.tasks['three']!, 'completed');
});

test('the spool is full: the child hears an error, never that its word is stored; with room again the same word is', async () => {
  project = await ProjectFixture.make();
  await project.start();
  const complete = `conductor child complete succeeded --summary s`;
  const said = (name: string): string =>
    `${complete} > ${project.at(name)} 2>/dev/null; ${project.tells('codes', '$?')}`;
  const run = `${project.tells('executed')}; ${project.waits('full')}; ${said('first')}; ${project.waits('room')}; ${said('second')}`;
  const { tasks } = await project.plan({ objective: 'Spool', tasks: [{ id: 'one', run }] });
  await until('the agent', () => project.said('executed').length === 1);
  const { runner } = await until('its record', async () =>
    project.startRecord((await project.runOf(tasks['one']!)).runId),
  );
  await project.kill();

  const limitFiles = (bytes: string): void => {
    execFileSync('prlimit', ['--pid', String(runner.pid), `--fsize=${bytes}`]);
  };
  limitFiles('64:unlimited');
  project.say('full');
  await until('the first word', () => project.said('codes').length === 1);
  expect(project.said('codes')).toEqual(['1']);
  expect(JSON.parse(project.said('first')[0]!)).toEqual({ applied: false, reason: 'store_full' });

  limitFiles('unlimited:unlimited');
  project.say('room');
  await until('the second word', () => project.said('codes').length === 2);
  expect(JSON.parse(project.said('second')[0]!)).toEqual({ applied: 'stored' });
  await project.start();
  await project.taskIs(tasks['one']!, 'completed');
  expect(project.said('executed')).toEqual(['executed']);
});
