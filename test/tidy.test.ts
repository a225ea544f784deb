/**
 * Goal: the house rules that no linter checks. Each failure says what to do; raise a limit only in a commit that says why.
 * Method: read every file that git tracks or would track, and look at text, names and imports.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { basename, dirname, join, normalize } from 'node:path';
import { expect, test } from 'vitest';

const fileLinesMax = 300;
const compositionRootLinesMax = 60;
const launcherLinesMax = 30;

/** What a layer may import: layers by name, `node`, packages by name; `*` is any package. The arrows of the design, top to bottom. */
const mayImport: Record<string, readonly string[]> = {
  machines: ['machines', 'xstate', 'typebox'],
  persistence: ['persistence', 'machines', 'node', '*'],
  supervisor: ['supervisor', 'persistence', 'machines', 'node', '*'],
  operations: ['operations', 'supervisor', 'persistence', 'machines', 'node', '*'],
  hosts: ['hosts', 'operations', 'supervisor', 'persistence', 'machines', 'node', '*'],
  main: ['main', 'hosts', 'operations', 'supervisor', 'persistence', 'machines', 'node', '*'],
  'index.ts': ['main', 'hosts', 'operations', 'supervisor', 'persistence', 'machines', 'node', '*'],
};

/**
 * Files that may name the lock files. One stray open-and-close by the owner process drops its POSIX locks without a word, so these
 * paths are built in one place and opened by node:sqlite alone.
 */
const mayNameLockFiles = /^src\/persistence\/(?:project-home|home|owner-[\w-]+|sqlite-[\w-]+|sqlite\/[\w-]+)\.ts$/;

type SourceFile = { readonly path: string; readonly text: string; readonly code: string };

/** Comments out, lines kept; good enough for looking for words, not a parser. */
const withoutComments = (text: string): string =>
  text.replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, '')).replace(/(^|\s)\/\/.*$/gm, '$1');

const gitFiles = (...which: string[]): string[] =>
  execFileSync('git', ['ls-files', '-z', ...which], { encoding: 'utf8' })
    .split('\0')
    .filter((path) => path !== '' && existsSync(path));
const tracked = gitFiles('--cached');
const paths = [...tracked, ...gitFiles('--others', '--exclude-standard')];
const files: SourceFile[] = paths
  .filter((path) => /\.(?:ts|tsx|mts|mjs)$/.test(path))
  .map((path) => {
    const text = readFileSync(path, 'utf8');
    return { path, text, code: withoutComments(text) };
  });
const sources = files.filter(({ path }) => path.startsWith('src/'));
const within = (folder: string) => files.filter(({ path }) => path.startsWith(`${folder}/`));

const specifiersOf = ({ code }: SourceFile): string[] =>
  [...code.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'([^']+)'/g)].map(([, specifier]) => specifier!);

/** Where an import leads: a path below `src/`, `node`, or the package's name. */
const targetOf = ({ path }: SourceFile, specifier: string): string => {
  if (specifier.startsWith('.')) return normalize(join(dirname(path), specifier));
  if (specifier.startsWith('node:')) return 'node';
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
};

const targetsOf = (file: SourceFile): string[] => specifiersOf(file).map((specifier) => targetOf(file, specifier));

const hostOf = (path: string): string | undefined => /^src\/hosts\/([\w-]+)\//.exec(path)?.[1];

const linesOfCode = ({ code }: SourceFile): number => code.split('\n').filter((line) => line.trim() !== '').length;

test('the rules below look at real files', () => {
  expect(tracked).toContain('package.json');
  expect(sources.length).toBeGreaterThan(0);
});

test('layers import downwards only', () => {
  const crossings = sources.flatMap((file) => {
    const allowed = mayImport[file.path.split('/')[1]!] ?? [];
    return targetsOf(file)
      .filter((target) => {
        if (target.startsWith('src/')) return !allowed.includes(target.split('/')[1]!);
        return !allowed.includes(target) && (target === 'node' || !allowed.includes('*'));
      })
      .map((target) => `${file.path} may not import ${target}`);
  });
  expect(crossings).toEqual([]);
});

test('a host imports no other host but rpc, and the launcher nothing but itself', () => {
  const crossings = within('src/hosts').flatMap((file) =>
    targetsOf(file)
      .filter((target) => {
        if (hostOf(file.path) === 'launcher') return target !== 'node' && hostOf(target) !== 'launcher';
        const host = hostOf(target);
        return host !== undefined && host !== hostOf(file.path) && host !== 'rpc';
      })
      .map((target) => `${file.path} may not import ${target}`),
  );
  expect(crossings).toEqual([]);
});

test('composition roots are short, and imported by package entries and tests only', () => {
  const long = within('src/main').filter((file) => linesOfCode(file) > compositionRootLinesMax);
  expect(long.map(({ path }) => `${path}: move what is not wiring into a layer`)).toEqual([]);
  const importers = sources.filter(
    (file) =>
      file.path !== 'src/index.ts' &&
      !file.path.startsWith('src/main/') &&
      targetsOf(file).some((target) => target.startsWith('src/main/')),
  );
  expect(importers.map(({ path }) => path)).toEqual([]);
});

test('machines hold no clock, chance, timer or child process', () => {
  const banned =
    /\bDate\b|\bMath\.random|randomUUID|\bset(?:Timeout|Interval|Immediate)\b|\bperformance\b|\bafter:\s*\{|\binvoke:\s*[[{]|\bspawn(?:Child)?\s*\(/;
  const offenders = within('src/machines').filter(({ code }) => banned.test(code));
  expect(offenders.map(({ path, code }) => `${path}: ${banned.exec(code)?.[0]}`)).toEqual([]);
});

test('every machine is a folder with a model and a chart, and a test imports the chart', () => {
  // Only what is committed: a machine that is being written has its chart before it has its test.
  const charts = tracked.filter((path) => /^src\/machines\/[\w-]+\/machine\.ts$/.test(path));
  const folders = charts.map((path) => dirname(path));
  const missing = folders.map((folder) => `${folder}/model.ts`).filter((path) => !paths.includes(path));
  expect(missing).toEqual([]);
  // Straight, or by way of other files of the layer: what counts is that a chart which does not hold together fails a test.
  const reached = new Set(within('test').flatMap((file) => targetsOf(file)));
  for (const path of reached) {
    const file = sources.find((source) => source.path === path && path.startsWith('src/machines/'));
    for (const target of file === undefined ? [] : targetsOf(file)) reached.add(target);
  }
  const untested = charts.filter((path) => !reached.has(path));
  expect(untested).toEqual([]);
});

test('only the owners of the lock files name them', () => {
  const strays = sources.filter(
    ({ path, code }) => /\b(?:owner|conductor)\.db\b/.test(code) && !mayNameLockFiles.test(path),
  );
  expect(strays.map(({ path }) => `${path}: take the path from src/persistence`)).toEqual([]);
});

test('files stay readable in one sitting', () => {
  const long = [...sources, ...within('scripts'), ...within('visualizations')].filter(
    ({ text }) => text.trimEnd().split('\n').length > fileLinesMax,
  );
  expect(long.map(({ path }) => `${path}: split it along a noun`)).toEqual([]);
});

test('file names say what is inside', () => {
  const vague = files.filter(({ path }) =>
    /^(?:[\w-]+-)?(?:utils?|helpers?|common|manager|services?|types|misc)\.[a-z]+$/.test(basename(path)),
  );
  const shouting = [...sources, ...within('test'), ...within('scripts'), ...within('bench')].filter(
    ({ path }) => !/^[a-z0-9-]+(?:\.[a-z0-9]+)+$/.test(basename(path)),
  );
  expect([...vague, ...shouting].map(({ path }) => `${path}: kebab-case, noun and role`)).toEqual([]);
  const barrels = sources.filter(({ path }) => basename(path) === 'index.ts' && path !== 'src/index.ts');
  expect(barrels.map(({ path }) => `${path}: import from the file that defines it`)).toEqual([]);
});

test('every source file begins with what it is for', () => {
  const bare = [...sources, ...within('scripts')].filter(({ text }) => !/^(?:#!.*\n)?\/\*\*/.test(text));
  expect(bare.map(({ path }) => `${path}: one docblock, one job`)).toEqual([]);
});

test('no test is skipped, singled out or left for later', () => {
  const parked = /\b(?:it|test|describe|suite|bench)\b(?:\.\w+)*\.(?:skip|only|todo)\b/;
  expect(
    within('test')
      .filter(({ code }) => parked.test(code))
      .map(({ path }) => path),
  ).toEqual([]);
});

test('no tracked file names a registry host or a path of one machine', () => {
  const here = process.cwd();
  const roots = [here, dirname(here), homedir()].filter((root) => root.length > 4 && !tmpdir().startsWith(root));
  const textFiles = tracked.filter((path) => !/\.(?:png|gif|ico|woff2?|gz|db|webm|mp4)$/.test(path));
  const offenders = textFiles.flatMap((path) => {
    const text = readFileSync(path, 'utf8');
    const found = roots.filter((root) => text.includes(`${root}/`));
    if (/"resolved": "https?:|registry\.[a-z]+js\.|^\s*registry\s*=/m.test(text)) found.push('a registry');
    return found.map((what) => `${path} names ${what}`);
  });
  expect(offenders).toEqual([]);
});

test('the lock file holds the packages of every platform', () => {
  type Entry = { readonly optionalDependencies?: Readonly<Record<string, string>> };
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as { packages: Record<string, Entry> };
  const held = new Set(Object.keys(packages).map((path) => path.slice(path.lastIndexOf('node_modules/') + 13)));
  const wanted = Object.values(packages).flatMap(({ optionalDependencies = {} }) => Object.keys(optionalDependencies));
  const missing = wanted.filter((name) => !held.has(name));
  expect(missing.map((name) => `${name}: run \`npm run lock:platforms\``)).toEqual([]);
});

test('the launcher is short, imports nothing up front, and wants what package.json wants', () => {
  const launcher = sources.find(({ path }) => path === 'src/hosts/launcher/conductor.ts')!;
  const { engines } = JSON.parse(readFileSync('package.json', 'utf8')) as { engines: { node: string } };
  expect(linesOfCode(launcher)).toBeLessThanOrEqual(launcherLinesMax);
  expect(launcher.code).not.toMatch(/^import /m);
  expect(launcher.code).toContain(`'${engines.node}'`);
});
