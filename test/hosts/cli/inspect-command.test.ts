/**
 * Goal: a person gets into the inspector with one command, and nothing is opened or claimed that did not happen.
 * Method: the command line around a project that gives links, and a browser that opens or does not; the opener with real programs.
 */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { openBrowser } from '../../../src/hosts/cli/browser-opening.ts';
import { ConductorError } from '../../../src/machines/errors.ts';
import { conductor, fakeIo, type FakeProject } from './surroundings.ts';

const url = 'http://127.0.0.1:4000/#link=secret';
const page = '/home/ada/a b/inspector-link-0.html';
const projectWith = (opens: boolean, asked: string[]): FakeProject => ({
  local: {
    inspectorLink: async (_repo, { file }) => ({ url, file: file ? page : null, started: false }),
    openBrowser: async (opened) => {
      asked.push(opened);
      return opens;
    },
  },
});

test('at a terminal the browser is opened, and the link printed for the case that nothing shows', async () => {
  const asked: string[] = [];
  const { out, exitCode } = await conductor(['inspect'], projectWith(true, asked), fakeIo({ terminal: true }));
  expect({ exitCode, asked }).toEqual({ exitCode: 0, asked: [page] });
  expect(out).toBe(`opened in your browser; if nothing shows, open within two minutes:\n${url}\n`);
});

test('without a display it says what to do by hand', async () => {
  const { out } = await conductor(['inspect'], projectWith(false, []), fakeIo({ terminal: true }));
  expect(out).toBe(`open in a browser on this machine within two minutes:\n${url}\n`);
});

test('a link is never handed to a program without a file: it is printed', async () => {
  const asked: string[] = [];
  const { local } = projectWith(true, asked);
  const inspectorLink = async () => ({ url, file: null, started: false });
  const { out } = await conductor(['inspect'], { local: { ...local, inspectorLink } }, fakeIo({ terminal: true }));
  expect(out).toBe(`open in a browser on this machine within two minutes:\n${url}\n`);
  expect(asked).toEqual([]);
});

test('--print-url prints the link and nothing else; --json says what was done', async () => {
  const asked: string[] = [];
  const printed = await conductor(['inspect', '--print-url'], projectWith(true, asked), fakeIo({ terminal: true }));
  expect(printed.out).toBe(`${url}\n`);
  const json = await conductor(['inspect', '--json'], projectWith(true, asked), fakeIo({ terminal: true }));
  expect(JSON.parse(json.out)).toEqual({ url, opened: false, started: false });
  expect(asked).toEqual([]);
});

test('a refusal is told and nothing is opened', async () => {
  const asked: string[] = [];
  const refused = new ConductorError('not_permitted', 'Run `conductor inspect` in a terminal.');
  const project = projectWith(true, asked);
  const local = { ...project.local, inspectorLink: () => Promise.reject(refused) };
  const { exitCode, err } = await conductor(['inspect'], { local });
  expect({ exitCode, err, asked }).toEqual({ exitCode: 1, err: `conductor: ${refused.message}\n`, asked: [] });
});

test('start --no-inspector asks for a supervisor without it', async () => {
  const asked: unknown[] = [];
  const start = async (_repo: string, options: unknown) => {
    asked.push(options);
    return { started: true };
  };
  await conductor(['start', '--no-inspector'], { local: { start } });
  await conductor(['start'], { local: { start } });
  expect(asked).toEqual([{ inspector: false }, { inspector: true }]);
});

describe('the program that opens addresses', () => {
  const folder = mkdtempSync(join(tmpdir(), 'conductor-'));
  const path = process.env['PATH'];
  afterEach(() => {
    process.env['PATH'] = path;
    rmSync(folder, { recursive: true, force: true });
  });

  test('B2: gets the address of the file as one word, on a machine with a display only', async () => {
    const said = join(folder, 'said');
    const opener = join(folder, 'xdg-open');
    writeFileSync(opener, `#!/bin/sh\nprintf '%s|' "$@" > ${said}\n`);
    chmodSync(opener, 0o755);
    process.env['PATH'] = `${folder}:${path ?? ''}`;
    expect(await openBrowser(`${page} ; true`, {}, 'linux')).toBe(false);
    expect(await openBrowser(`${page} ; true`, { DISPLAY: ':0' }, 'linux')).toBe(true);
    expect(readFileSync(said, 'utf8')).toBe('file:///home/ada/a%20b/inspector-link-0.html%20;%20true|');
    writeFileSync(opener, '#!/bin/sh\nexit 3\n');
    expect(await openBrowser(page, { WAYLAND_DISPLAY: 'w' }, 'linux')).toBe(false);
    rmSync(opener);
    process.env['PATH'] = folder;
    expect(await openBrowser(page, { DISPLAY: ':0' }, 'linux')).toBe(false);
  });
});
