/**
 * Goal: a supervisor that finds its port taken serves the page at another one; the page that is open says so, tells the one that has the
 * port nothing of use, and the new link leads to where everything goes on.
 * Method: SIGKILL, a program at the port that takes every request and socket, a new supervisor of the same home, a real browser.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { API, PASS_HEADER } from '../../../src/hosts/inspector/protocol.ts';
import { passAt } from '../../hosts/inspector/page-pass.ts';
import { startImpostor } from '../../visualizations/impostor.ts';
import { InspectorStage } from './inspector-stage.ts';
import { askTerminalLink } from './terminal-link.ts';

let stage: InspectorStage;
beforeAll(async () => {
  stage = await InspectorStage.open();
});
afterAll(() => stage?.close());

test('the page says that nothing of Conductor answers, and the new link leads to it', async () => {
  const { project } = stage;
  await project.plan({ objective: 'kept', tasks: [{ id: 'one', run: 'true', completion: 'exit-code' }] });
  const page = await stage.page('#/');
  await page.getByText('kept').first().waitFor();
  const { origin } = stage;
  const session = (await page.evaluate<string | null>(`sessionStorage.getItem('conductor.session')`))!;
  const pass = await passAt(origin, session);
  await project.kill();
  const impostor = await startImpostor(Number(new URL(origin).port), () => ({ status: 200, body: '{}' }));
  try {
    await project.start();
    expect(stage.origin).not.toBe(origin);
    const alert = page.getByRole('alert');
    await alert.getByText('Nothing of Conductor answers at this address any more').waitFor();
    await alert.getByText('conductor inspect', { exact: true }).waitFor();
    await alert.getByText(project.repo).waitFor();
    expect([...new Set(impostor.requests.map(({ path }) => path))]).toEqual([API.greet]);
    expect(await page.evaluate('sessionStorage.length')).toBe(0);
    const heard = [...new Set(impostor.words().split(/[^\w.-]+/))];
    expect(heard.some((word) => word.includes(session.split('.')[2]!))).toBe(false);
    // What was heard, and what was good until the port was lost, lets nobody in now.
    for (const word of [...heard, session, pass]) {
      const headers = { [PASS_HEADER]: word, 'content-type': 'application/json' };
      const body = JSON.stringify({ operation: 'conductor_list_tasks', params: {} });
      expect((await fetch(`${stage.origin}${API.call}`, { method: 'POST', headers, body })).status).toBe(401);
    }
    await page.goto(await askTerminalLink(project.client.facts.socket));
    await page.locator('.connection-live').waitFor();
    await page.getByText('kept').first().waitFor();
    expect(await page.getByRole('alert').count()).toBe(0);
  } finally {
    await impostor.close();
  }
});
