/**
 * Goal: what a run prints, shows, changes and leaves can be read in the browser, whatever it is.
 * Method: the built page in a real browser over the real machines in memory; output, recording and terminal bytes are the test's.
 */
import { describe, expect, test } from 'vitest';
import { API } from '../../../src/hosts/inspector/protocol.ts';
import { PHONE } from '../browser.ts';
import { flawsOf } from '../view-stage.ts';
import { pageWithStage } from '../page-fixture.ts';

const PATCH = `diff --git a/src/<b>a.ts b/src/<b>a.ts
--- a/src/<b>a.ts
+++ b/src/<b>a.ts
@@ -1,2 +1,2 @@
 const a = 1; // one
-const b = '<script>alert(1)</script>';
+const b = "\u202eevil";
diff --git a/new.md b/new.md
new file mode 100644
--- /dev/null
+++ b/new.md
@@ -0,0 +1 @@
+# New
`;

const fixture = pageWithStage();

const newRun = async (output: string, more: object = {}): Promise<string> => {
  const { taskId } = await fixture.stage.project.call('conductor_create_task', { title: 'A task', run: 'x', ...more });
  const runId = await fixture.stage.project.start(taskId);
  fixture.stage.logs.set(runId, new TextEncoder().encode(output));
  fixture.stage.project.world.diffs.set(runId, { patch: PATCH, truncated: false });
  return runId;
};

const hostile = (): string =>
  [
    '\u001b[1;32mPASS\u001b[0m <script>globalThis.hit = 1</script>',
    '\u001b]0;title\u0007\u202ereversed',
    'x'.repeat(2 ** 20),
    ...Array.from({ length: 5_000 }, (_, index) => `step ${String(index)}${index % 1_000 === 7 ? ' needle' : ''}`),
    'the end',
  ].join('\n');

test('output is coloured, harmless and followed; a line of a megabyte is cut and opens', async () => {
  const runId = await newRun('before\n');
  const { page, troubles, close } = await fixture.stage.open(fixture.browser, `#/run/${runId}`);
  await page.getByText('before', { exact: true }).waitFor();
  fixture.stage.logs.set(runId, new TextEncoder().encode(`before\n${hostile()}\n`));
  await page.getByText('the end', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Follow' }).click();
  await page.locator('.log-box').press('Home');
  await page.locator('.ansi-green-fg', { hasText: 'PASS' }).waitFor();
  expect(await page.evaluate('globalThis.hit')).toBeUndefined();
  await page.locator('.control-sign').first().waitFor();
  await page.getByRole('button', { name: 'show all 1,048,576 characters' }).click();
  await expect.poll(() => page.getByRole('button', { name: 'show all' }).count()).toBe(0);
  expect(await page.locator('.log-row').count()).toBeLessThan(120);
  expect(troubles).toEqual([]);
  await close();
});

test('search counts the lines, and goes from match to match', async () => {
  const runId = await newRun(`${hostile()}\n`);
  const { page, close } = await fixture.stage.open(fixture.browser, `#/run/${runId}`);
  await page.locator('.log-row').first().waitFor();
  const older = page.getByRole('button', { name: 'Older' });
  while ((await older.count()) > 0) await older.click();
  await page.getByRole('searchbox').fill('NEEDLE');
  await page.getByText('5 lines', { exact: true }).waitFor();
  await page.keyboard.press('Enter');
  await page.getByText('1 of 5', { exact: true }).waitFor();
  await page.locator('.log-row.is-current mark', { hasText: 'needle' }).waitFor();
  await page.keyboard.press('Shift+Enter');
  await page.getByText('5 of 5', { exact: true }).waitFor();
  await close();
});

const longLogLine = (index: number): string =>
  `line ${String(index)} ${index % 50_000 === 123 ? 'a \u001b[31mnee\u001b[0mdle here' : 'of many that say nothing'}`;

test('all of a long log is searched, with how far it is, and what is found is shown where it stands', async () => {
  const runId = await newRun(`${Array.from({ length: 200_000 }, (_, index) => longLogLine(index)).join('\n')}\n`);
  const { page, close } = await fixture.stage.open(fixture.browser, `#/run/${runId}`);
  await page.locator('.log-row').first().waitFor();
  let isSlow = true;
  let reads = 0;
  await page.route(`**${API.log}?*`, async (route) => {
    reads += 1;
    // Until it is canceled, so that the test sees it on its way.
    if (isSlow && reads > 4) await new Promise((resolve) => setTimeout(resolve, 200));
    await route.fallback();
  });
  await page.getByRole('searchbox').fill('Needle');
  await page.getByText(/\d so far…, .* of 7\.\d MiB searched/).waitFor();
  await page.getByRole('button', { name: 'Cancel' }).click();
  const status = page.locator('.log-tools').getByRole('status');
  expect(await status.innerText()).toMatch(/^\d so far…, .* of 7\.\d MiB searched$/);
  const stopped = reads;
  isSlow = false;
  await page.getByRole('button', { name: 'Search the rest' }).click();
  await page.getByText('4 lines', { exact: true }).waitFor();
  expect(reads).toBeGreaterThan(stopped);
  await page.getByRole('searchbox').press('Enter');
  await page.getByText('1 of 4', { exact: true }).waitFor();
  await page.locator('.log-row.is-current', { hasText: 'line 123 a needle here' }).waitFor();
  await page.getByRole('searchbox').press('Enter');
  await page.locator('.log-row.is-current', { hasText: 'line 50123 a needle here' }).waitFor();
  await page.locator('.log-row', { hasText: 'line 50122' }).waitFor();
  await page.getByRole('button', { name: 'To the end' }).click();
  await page.locator('.log-box').press('End');
  await page.locator('.log-row', { hasText: 'line 199999' }).waitFor();
  await close();
});

test('the diff shows files, lines and signs, and nothing of it runs', async () => {
  const runId = await newRun('');
  const { page, troubles, close } = await fixture.stage.open(fixture.browser, `#/run/${runId}?tab=diff`);
  await page.getByText('2 files, +2 −1').waitFor();
  await page.locator('.diff-removed').getByText("'<script>alert(1)</script>'").waitFor();
  await page.locator('.diff-added .control-sign').waitFor();
  await page.locator('.code-keyword', { hasText: 'const' }).first().waitFor();
  await page.locator('.diff-added', { hasText: '# New' }).waitFor();
  expect(troubles).toEqual([]);
  await close();
});

test('changes that were not kept are not taken for none', async () => {
  const { taskId } = await fixture.stage.project.call('conductor_create_task', { title: 'A task', run: 'x' });
  const runId = await fixture.stage.project.runTo(taskId, 'succeeded');
  const { page, close } = await fixture.stage.open(fixture.browser, `#/run/${runId}?tab=diff`);
  await page.getByText(/the patch was not kept: .*; git diff \w{40} \w{40} shows it/).waitFor();
  expect(await page.getByText('Nothing is changed').count()).toBe(0);
  await close();
});

/** Of one file whose mode changes and that gets 300 lines. */
const longPatch = (name: string): string => {
  const added = Array.from({ length: 300 }, (_, line) => `+line ${String(line)}\n`).join('');
  return `diff --git a/${name} b/${name}\nold mode 100644\nnew mode 100755\n--- a/${name}\n+++ b/${name}\n@@ -0,0 +1,300 @@\n${added}`;
};

test('every file of a large diff is in the one list, and its name leads to it', async () => {
  const runId = await newRun('');
  const names = Array.from({ length: 40 }, (_, index) => `src/file-${String(index)}.ts`);
  fixture.stage.project.world.diffs.set(runId, { patch: names.map(longPatch).join(''), truncated: false });
  const { page, close } = await fixture.stage.open(fixture.browser, `#/run/${runId}?tab=diff`);
  const title = (name: string) => page.locator('.diff-title', { hasText: name });
  await title('src/file-0.ts').waitFor();
  expect(await page.locator('.diff-line').count()).toBeLessThan(200);
  for (const name of ['src/file-39.ts', 'src/file-17.ts']) {
    await page.getByRole('button', { name }).press('Enter');
    await title(name).waitFor();
    const [list, found] = await Promise.all([page.locator('.diff-body').boundingBox(), title(name).boundingBox()]);
    expect(found!.y).toBeGreaterThanOrEqual(list!.y - 1);
    expect(found!.y + found!.height).toBeLessThanOrEqual(list!.y + list!.height + 1);
  }
  await page.getByText('new mode 100755').first().waitFor();
  await close();
});

test('a terminal is shown live, read-only, and says why it ends', async () => {
  const runId = await newRun('', { runtimeMode: 'pty' });
  const sent: string[] = [];
  const { page, close } = await fixture.stage.open(fixture.browser, '#/');
  await page.routeWebSocket(`**${API.terminal}`, (socket) => {
    socket.onMessage((message) => {
      sent.push(String(message));
      socket.send(fixture.stage.welcome(String(message)));
      socket.send(JSON.stringify({ type: 'size', cols: 60, rows: 10 }));
      socket.send(Buffer.from('\u001b[33mhello terminal\u001b[0m'));
      socket.send(JSON.stringify({ type: 'end', reason: 'the run ended' }));
    });
  });
  await page.goto(page.url().replace(/#.*/, `#/run/${runId}`));
  await page.locator('.xterm-rows', { hasText: 'hello terminal' }).waitFor();
  await page.getByText('Nothing more comes: the run ended').waitFor();
  await page.locator('.terminal-box').click();
  await page.keyboard.type('rm -rf /');
  expect(sent.map((text) => (JSON.parse(text) as { type: string }).type)).toEqual(['hello']);
  await close();
});

test('a recording is sought forwards and back', async () => {
  const runId = await newRun('', { runtimeMode: 'pty' });
  const lines = ['{"version": 2, "width": 60, "height": 8}', '[1, "o", "first "]', '[30, "o", "second"]'];
  fixture.stage.recordings.set(runId, `${lines.join('\n')}\n`);
  const { page, close } = await fixture.stage.open(fixture.browser, `#/run/${runId}`);
  await page.getByRole('button', { name: 'Recording' }).click();
  const screen = page.locator('.xterm-rows');
  await screen.getByText('first second').waitFor();
  // Two things on this page can be played; each says which.
  const named = await page.getByRole('button', { name: 'Play' }).allInnerTexts();
  expect(named.map((text) => text.replaceAll(/\s+/g, ' '))).toEqual(['▶ Play recording', '▶ journal']);
  const slider = page.getByLabel('Time in the recording');
  await slider.fill('10');
  // Between two pictures it is blank.
  await expect.poll(() => screen.innerText()).toMatch(/^(?!.*second).*first/s);
  await slider.fill('30');
  await screen.getByText('first second').waitFor();
  await close();
});

test('what is not there is said with what to do', async () => {
  const runId = await newRun('');
  const { page, close } = await fixture.stage.open(fixture.browser, `#/run/${runId}`);
  await page.getByText('It has printed nothing').waitFor();
  for (const [tab, words] of [
    ['Verification', 'No output of a verification'],
    ['Artifacts', 'No artifacts yet'],
  ] as const) {
    await page.getByRole('tab', { name: tab }).click();
    await page.getByText(words).waitFor();
  }
  await page.getByRole('tab', { name: 'Events' }).click();
  await page.getByText('runner.ready').waitFor();
  await page.goto(page.url().replace(/#.*/, '#/run/nothing'));
  await page.getByText('This is no run of this project').waitFor();
  await close();
});

describe.each(['light', 'dark'] as const)('in %s', (colorScheme) => {
  test('every part of a run, and coverage, meets WCAG AA, on a phone too', async () => {
    const runId = await newRun(`${hostile()}\n`);
    await fixture.stage.project.tell(runId, { type: 'child.progress', epoch: 1, seq: 1, text: '<b>half</b>\u202e' });
    for (const viewport of [{ width: 1_440, height: 900 }, PHONE]) {
      const { page, troubles, close } = await fixture.stage.open(fixture.browser, `#/run/${runId}`, {
        colorScheme,
        viewport,
      });
      await page.getByText('the end', { exact: true }).waitFor();
      expect(await flawsOf(page)).toEqual([]);
      await page.getByRole('tab', { name: 'Diff' }).click();
      await page.locator('.diff-line').first().waitFor();
      expect(await flawsOf(page)).toEqual([]);
      await page.getByRole('tab', { name: 'Events' }).click();
      await page.locator('.journal-row').first().waitFor();
      expect(await flawsOf(page)).toEqual([]);
      await page.goto(page.url().replace(/#.*/, '#/coverage'));
      // On a phone the figures come first, and each chart when it is asked for.
      if (viewport === PHONE) await page.getByRole('button', { name: 'Show the chart of gate' }).click();
      await page.locator('[data-state="gate.open"]').waitFor();
      expect(await flawsOf(page)).toEqual([]);
      expect(troubles).toEqual([]);
      await close();
    }
  });
});
