/**
 * Goal: what runs from a home is whole, is what was built, and is never changed under a process.
 * Method: a small folder of programs with the packages beside it as npm lays them; damage by hand.
 */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { pageFolder } from '../../../src/hosts/rpc/own-package.ts';
import { copyRuntime } from '../../../src/hosts/rpc/runtime-copy.ts';

let root = '';
let programs = '';
let home = '';

const write = (path: string, text: string, mode = 0o644): void => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text, { mode });
};
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'conductor-'));
  home = join(root, 'home');
  programs = join(root, 'package', 'dist', 'programs');
  mkdirSync(home);
  write(join(programs, 'supervisor.cjs'), 'exports.supervisor = 1;\n');
  write(join(programs, 'conductor.mjs'), '#!/usr/bin/env node\n', 0o755);
  write(join(programs, 'chunks', 'a.mjs'), 'export const a = 1;\n');
  write(join(programs, 'supervisor.modules.json'), '{}');
  write(join(programs, 'supervisor.cjs.map'), '{}');
  const pty = join(root, 'package', 'node_modules', 'node-pty');
  write(join(pty, 'package.json'), '{"name":"node-pty","main":"lib/index.js"}');
  write(join(pty, 'lib', 'index.js'), 'module.exports = { from: __filename };\n');
  write(join(pty, 'build', 'Release', 'pty.node'), 'native');
  write(join(pty, 'deps', 'huge.c'), 'x'.repeat(1_000));
});
afterEach(() => rmSync(root, { recursive: true }));

const copy = (version = '1.2.3'): string => copyRuntime({ home, programs, version });
const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .toSorted();

test('R4: the page that lies beside the programs comes along, and makes a copy of its own when it changes', () => {
  const page = join(programs, '..', 'page');
  write(join(page, 'index.html'), '<p>1');
  write(join(page, 'assets', 'main-1.js'), '1');
  write(join(page, 'assets', 'main-1.js.map'), '{}');
  const first = copy();
  expect(filesIn(join(first, 'page'))).toEqual(['assets/main-1.js', 'index.html']);
  expect(pageFolder({ root: first, version: '1.2.3' })).toBe(join(first, 'page'));
  write(join(page, 'index.html'), '<p>2');
  expect(copy()).not.toBe(first);
  rmSync(join(first, 'page'), { recursive: true });
  expect(pageFolder({ root: first, version: '1.2.3' })).toBeNull();
});

test('R4: programs, chunks and the packages outside of them, and nothing that only people need', () => {
  const folder = copy();
  expect(dirname(folder)).toBe(join(home, 'runtime'));
  expect(folder).toMatch(/\/1\.2\.3-[0-9a-f]{12}$/);
  expect(filesIn(folder)).toEqual([
    'chunks/a.mjs',
    'conductor.mjs',
    'node_modules/node-pty/build/Release/pty.node',
    'node_modules/node-pty/lib/index.js',
    'node_modules/node-pty/package.json',
    'package.json',
    'supervisor.cjs',
  ]);
  expect(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))).toMatchObject({
    version: '1.2.3',
    type: 'module',
  });
  const required = createRequire(join(folder, 'supervisor.cjs'))('node-pty') as { from: string };
  expect(required.from).toBe(join(folder, 'node_modules', 'node-pty', 'lib', 'index.js'));
});

test('it is for this user alone, and what is executable stays so', () => {
  const folder = copy();
  const modes = [folder, join(folder, 'chunks'), join(folder, 'supervisor.cjs'), join(folder, 'conductor.mjs')];
  expect(modes.map((path) => (statSync(path).mode & 0o777).toString(8))).toEqual(['700', '700', '600', '700']);
});

test('R2: the same programs are one copy, other content or another version is another', () => {
  const first = copy();
  const { ino, mtimeMs } = statSync(join(first, 'supervisor.cjs'));
  expect(copy()).toBe(first);
  expect(statSync(join(first, 'supervisor.cjs'))).toMatchObject({ ino, mtimeMs });
  write(join(programs, 'supervisor.cjs'), 'exports.supervisor = 2;\n');
  const second = copy();
  expect(second).not.toBe(first);
  expect(readFileSync(join(first, 'supervisor.cjs'), 'utf8')).toContain('= 1');
  expect(copy('1.2.4')).not.toBe(second);
});

test('programs that run from a copy are not copied again', () => {
  const folder = copy();
  expect(copyRuntime({ home, programs: folder, version: '1.2.3' })).toBe(folder);
  expect(readdirSync(join(home, 'runtime'))).toHaveLength(1);
});

test('R2: a copy that lost a file, or the end of one, is replaced as a whole', () => {
  const folder = copy();
  rmSync(join(folder, 'chunks'), { recursive: true });
  expect(copy()).toBe(folder);
  expect(existsSync(join(folder, 'chunks', 'a.mjs'))).toBe(true);
  writeFileSync(join(folder, 'supervisor.cjs'), 'exp');
  expect(copy()).toBe(folder);
  expect(readFileSync(join(folder, 'supervisor.cjs'), 'utf8')).toBe('exports.supervisor = 1;\n');
  expect(readdirSync(join(home, 'runtime'))).toHaveLength(1);
});

test('R3: one that was found unused is taken back, one that is going is made again under another name', () => {
  const folder = copy();
  writeFileSync(`${folder}.unused`, '');
  expect(copy()).toBe(folder);
  expect(existsSync(`${folder}.unused`)).toBe(false);
  writeFileSync(`${folder}.going`, '');
  expect(copy()).toBe(`${folder}-2`);
  expect(filesIn(`${folder}-2`)).toEqual(filesIn(folder));
  expect(copy()).toBe(`${folder}-2`);
  rmSync(`${folder}.going`);
  expect(copy()).toBe(folder);
});

test('without the optional packages the programs are copied all the same', () => {
  rmSync(join(root, 'package', 'node_modules'), { recursive: true });
  expect(filesIn(copy())).toEqual(['chunks/a.mjs', 'conductor.mjs', 'package.json', 'supervisor.cjs']);
});
