/**
 * Goal: a real supervisor tells of its services, of the runner of a living run and what it uses, and of what stands in its worktree,
 * without the value of a secret.
 * Method: a run that writes files and waits; then it ends, and the same patch comes from its evidence.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Services } from '../../src/operations/read-models/supervision-view.ts';
import { ProjectFixture, until } from './project-fixture.ts';

const secret = 'correct-horse/battery+staple=42';

let project: ProjectFixture;
let pid: number;
beforeEach(async () => {
  project = await ProjectFixture.make();
  pid = await project.start({ OPENAI_API_KEY: secret });
});
afterEach(() => project.close());

type Diff = { readonly source: string; readonly patch: string; readonly truncated: boolean };

test('a living run: its process, what it uses, and its changes so far', async () => {
  const { tasks } = await project.plan({
    objective: 'live',
    tasks: [
      {
        id: 'main',
        run: `echo b >> a.txt; printf "%s\\n" "$OPENAI_API_KEY" > key.txt; ${project.tells('written')}; until [ -e go ]; do sleep 0.05; done; rm go`,
        completion: 'exit-code',
      },
    ],
  });
  await until('the files', () => project.said('written').length > 0);
  const { runId, worktreePath } = await project.runOf(tasks['main']!);
  const services = await project.details<Services>('conductor_get_services');
  expect(services.supervisor).toMatchObject({ pid, memoryBytes: expect.any(Number) });
  expect(services.supervisor!.memoryBytes).toBeGreaterThan(20 * 2 ** 20);
  expect(services.budget).toMatchObject({ strategy: 'rest_for_one', restarts: 0 });
  expect(services.services.map(({ id, state, starts }) => [id, state, starts])).toEqual(
    expect.arrayContaining([
      ['runs', 'up', 1],
      ['scheduler', 'up', 1],
      ['rpc', 'up', 1],
    ]),
  );
  expect(services.runners).toEqual([
    expect.objectContaining({ runId, taskId: tasks['main'], epoch: 1, connected: true }),
  ]);
  expect(services.runners[0]!.pid).not.toBe(pid);
  expect(services.runners[0]!.memoryBytes).toBeGreaterThan(2 ** 20);
  await until('a second look that is far enough from the first', async () => {
    const { runners } = await project.details<Services>('conductor_get_services');
    return typeof runners[0]?.cpuPercent === 'number';
  });

  const live = await project.details<Diff>('conductor_read_diff', { runId });
  expect(live).toMatchObject({ source: 'worktree', truncated: false });
  expect(live.patch).toContain('@@ -1 +1,2 @@\n a\n+b\n');
  expect(live.patch).toContain('+++ b/key.txt\n@@ -0,0 +1,1 @@\n+[redacted]\n');
  expect(live.patch).not.toContain(secret);

  writeFileSync(join(worktreePath!, 'go'), '');
  await project.taskIs(tasks['main']!, 'completed');
  const kept = await project.details<Diff>('conductor_read_diff', { runId });
  expect(kept).toMatchObject({ source: 'artifact', truncated: false });
  expect(kept.patch).toContain('+[redacted]');
  expect(kept.patch).toContain('@@ -1 +1,2 @@\n a\n+b\n');
  await until('the runner is gone', async () => {
    return (await project.details<Services>('conductor_get_services')).runners.length === 0;
  });
});
