/**
 * Goal: `conductor child` reads its command line exactly, and says plainly what went wrong.
 * Method: the parser as a table, the program with and without a runner.
 */
import { createServer } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseChildArguments } from '../../../src/hosts/child/child-arguments.ts';
import { runChild } from '../../../src/hosts/child/child.ts';

const words = (text: string): string[] => text.split(' ').filter((word) => word !== '');

test.each([
  ['progress half --key k --artifact log:a:b --artifact report:c', { kind: 'child.progress', text: 'half', key: 'k' }],
  ['gate --type needs_input --ask what', { kind: 'child.gate', gateType: 'needs_input', ask: 'what', wait: false }],
  ['gate --ask=what --type=needs_review --wait', { kind: 'child.gate', gateType: 'needs_review', wait: true }],
  [
    'followup --title T -- make --wait -- x',
    { kind: 'child.followup', title: 'T', command: ['make', '--wait', '--', 'x'] },
  ],
  ['complete succeeded --summary s', { kind: 'child.complete', status: 'succeeded', summary: 's', key: null }],
  ['complete --status aborted --summary s', { kind: 'child.complete', status: 'aborted' }],
])('%s', (line, body) => {
  expect(parseChildArguments(words(line))).toMatchObject({ kind: 'report', body });
});

test('artifacts are cut at the first colon; a timeout belongs to a wait', () => {
  expect(parseChildArguments(words('progress x --artifact log:a:b'))).toMatchObject({
    files: [{ type: 'log', path: 'a:b' }],
  });
  const waits = parseChildArguments(words('gate --type needs_input --ask a --wait --timeout 500'));
  expect(waits).toMatchObject({ wait: true, waitMs: 500 });
});

test.each([
  '',
  'dance',
  '__proto__',
  'progress',
  'progress two words',
  'progress x --unknown',
  'progress x --key',
  'progress x --key a --key b',
  'progress x --artifact nocolon',
  'progress x -- y',
  'gate --ask x',
  'gate --type approval_required --ask x',
  'gate --type needs_input',
  'gate --type needs_input --ask x --timeout 5',
  'gate --type needs_input --ask x --wait --timeout soon',
  'followup --title T',
  'followup --title T --',
  'followup -- make',
  'complete great --summary s',
  'complete succeeded',
  'complete succeeded --status failed --summary s',
])('usage: %s', async (line) => {
  let complaint = '';
  const say = (text: string): void => void (complaint += text);
  const code = await runChild(words(line), { env: {}, cwd: '/', print: () => expect.unreachable(), complain: say });
  expect([code, complaint.split('\n').length]).toEqual([2, 2]);
});

const run = async (line: string, env: Record<string, string>) => {
  const said = { out: '', err: '' };
  const print = (text: string): void => void (said.out += text);
  const complain = (text: string): void => void (said.err += text);
  return { code: await runChild(words(line), { env, cwd: '/', print, complain }), ...said };
};

test('help is an answer; without a run, and without a runner, the exit code is 4 and stdout is empty', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'conductor-'));
  expect(await run('--help', {})).toMatchObject({ code: 0, err: '' });
  expect(await run('gate --help', {})).toMatchObject({ code: 0, out: expect.stringContaining('Exit codes') });
  expect(await run('progress x', {})).toMatchObject({
    code: 4,
    out: '',
    err: expect.stringContaining('not inside a run'),
  });
  const env = { CONDUCTOR_COOKIE: 'c', CONDUCTOR_SOCKET: join(folder, 's') };
  expect(await run('progress x', env)).toMatchObject({
    code: 4,
    out: '',
    err: expect.stringContaining('does not answer'),
  });
  const server = createServer((socket) => socket.once('data', () => socket.destroy()));
  await new Promise<void>((resolve) => server.listen(join(folder, 's'), resolve));
  expect(await run('progress x', env)).toMatchObject({
    code: 4,
    out: '',
    err: expect.stringContaining('before it answered'),
  });
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true });
});
