/**
 * Goal: a program holds what it needs and no more; start-up time and memory of fifty runners depend on it.
 * Method: read the module lists that the build wrote beside the bundles, and compare them with one table.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { programs, programsFolder, type ProgramModules } from '../scripts/programs.ts';

type Rule = {
  /** Packages that may be in no file of the program. */
  readonly never: readonly string[];
  /** Packages that may come later, but are not loaded before the program's first statement. */
  readonly notAtStart: readonly string[];
};

const pages = ['react', 'react-dom', '@xterm/xterm', 'vite', 'playwright-core'];
const tools = ['vitest', 'fast-check', 'rolldown', '@xstate/graph', 'typescript'];
/** Started once per run, fifty at a time: nothing that costs milliseconds or megabytes. */
const light = ['typebox', 'execa', 'xstate', 'simple-git', 'commander', 'pino', 'yaml', 'piscina', 'fastify', 'elkjs'];

const rules: Record<string, Rule> = {
  conductor: { never: [...light, ...pages, ...tools, 'vscode-jsonrpc', 'write-file-atomic'], notAtStart: [] },
  cli: {
    never: [...pages, ...tools, 'elkjs'],
    notAtStart: ['xstate', 'execa', 'simple-git', 'pino', 'piscina', 'fastify', 'elkjs', 'yaml', 'typebox', 'node-pty'],
  },
  supervisor: {
    never: [...pages, ...tools, 'commander', 'elkjs'],
    notAtStart: ['node-pty', 'piscina', 'fastify', '@fastify/static', '@fastify/websocket', 'ws'],
  },
  runner: { never: [...light, ...pages, ...tools, 'node:crypto'], notAtStart: ['node-pty'] },
  child: { never: [...light, ...pages, ...tools, 'node-pty'], notAtStart: [] },
  'sqlite-writer-thread': { never: [...light, ...pages, ...tools, 'node-pty', 'vscode-jsonrpc'], notAtStart: [] },
  'starter-program': { never: [...light, ...pages, ...tools, 'node-pty', 'vscode-jsonrpc'], notAtStart: [] },
  'layout-program': {
    never: [...light.filter((name) => name !== 'elkjs'), ...pages, ...tools, 'node-pty', 'vscode-jsonrpc'],
    notAtStart: [],
  },
  'hash-worker': { never: [...light, ...pages, ...tools, 'node-pty', 'vscode-jsonrpc'], notAtStart: [] },
};

const folder = `dist/${programsFolder}`;
const present = programs.filter(({ entry }) => existsSync(entry));
const modulesOf = (name: string): ProgramModules => {
  const path = `${folder}/${name}.modules.json`;
  if (!existsSync(path)) throw new Error(`${path} is missing: run \`npm run build\` first`);
  return JSON.parse(readFileSync(path, 'utf8')) as ProgramModules;
};

/** The entry and every chunk that it loads before its first statement. */
const startOf = ({ chunks }: ProgramModules): ProgramModules['chunks'] => {
  const byFile = new Map(chunks.map((chunk) => [chunk.file, chunk]));
  const seen = new Set(chunks.filter(({ isEntry }) => isEntry));
  for (const chunk of seen) {
    for (const file of chunk.imports) {
      const next = byFile.get(file);
      if (next !== undefined) seen.add(next);
    }
  }
  return [...seen];
};

/** `'a/b'` of `node_modules/x/node_modules/a/b/c.js`: packages inside the bundle. */
const packageOf = (module: string): string | undefined => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(module)?.[1];
const bundledIn = (chunks: ProgramModules['chunks']): string[] =>
  chunks.flatMap(({ modules }) => modules.flatMap((module) => packageOf(module) ?? []));
const importedBy = (chunks: ProgramModules['chunks'], which: 'imports' | 'dynamicImports'): string[] =>
  chunks.flatMap((chunk) => chunk[which]);

const amongst = (found: readonly string[], banned: readonly string[]): string[] => [
  ...new Set(found.filter((name) => banned.some((entry) => name === entry || name.startsWith(`${entry}/`)))),
];

test('every program has a rule, every rule a program', () => {
  expect(Object.keys(rules).toSorted()).toEqual(programs.map(({ name }) => name).toSorted());
});

describe.each(present)('$name', ({ name, ending, split, executable, entry }) => {
  const rule = rules[name]!;

  test('holds its own entry', () => {
    expect(modulesOf(name).chunks.flatMap(({ modules }) => modules)).toContain(entry);
  });

  test('contains nothing that it has no use for', () => {
    const { chunks } = modulesOf(name);
    const found = [...bundledIn(chunks), ...importedBy(chunks, 'imports'), ...importedBy(chunks, 'dynamicImports')];
    expect(amongst(found, rule.never)).toEqual([]);
  });

  test('loads on demand what it may never need', () => {
    // Where everything is one file, what is inlined cannot be told apart; what stays outside can.
    const start = startOf(modulesOf(name));
    const found = [...(split ? bundledIn(start) : []), ...importedBy(start, 'imports')];
    expect(amongst(found, rule.notAtStart)).toEqual([]);
  });

  test('is one file unless it is split, and executable when it is started by name', () => {
    if (!split) expect(modulesOf(name).chunks).toHaveLength(1);
    expect((statSync(`${folder}/${name}.${ending}`).mode & 0o111) !== 0).toBe(executable);
  });
});
