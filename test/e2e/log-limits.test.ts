/**
 * Goal: what the user's configuration says of a run's log holds for the run.
 * Method: a real supervisor with a configuration of its own, and a program that prints much more.
 */
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { ProjectFixture } from './project-fixture.ts';

const LOG_BYTES = 65_536;
/** A log is four files. */
const FILES = 4;

let project: ProjectFixture;
afterEach(() => project.close());

test('logBytesMax: four files of at most this size, the end of the output among them', async () => {
  project = await ProjectFixture.make();
  const config = project.at('config/conductor/config.yaml');
  mkdirSync(dirname(config), { recursive: true });
  writeFileSync(config, `logBytesMax: ${String(LOG_BYTES)}\n`);
  await project.start({ XDG_CONFIG_HOME: project.at('config') });
  const { tasks } = await project.plan({
    objective: 'Loud',
    tasks: [{ id: 'one', run: 'seq 1 200000; echo the end', completion: 'exit-code' }],
  });
  const { taskId } = await project.taskIs(tasks['one']!, 'completed');
  const directory = join(project.paths.runs, (await project.runOf(taskId)).runId);
  const logs = readdirSync(directory).filter((name) => /^output.*\.log/.test(name));
  const sizes = logs.map((name) => statSync(join(directory, name)).size);
  expect(logs.length).toBe(FILES);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(LOG_BYTES);
  expect(Math.max(...sizes)).toBeGreaterThan(LOG_BYTES / 2);
});
