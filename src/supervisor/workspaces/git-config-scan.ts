/**
 * Reads git's configuration once per change of its files: which programs it names (filters, merge drivers, hooks), and
 * whether it has an identity.
 *
 * C1. Every filter, merge driver and configured hook is overridden by name, whichever file names it: all worktrees
 *     share `.git/config`, and an agent can write there.
 * C2. A filter that the *user* granted runs with the values of the user's own files: `git-filters.ts`.
 * C3. A cached scan is used only while every file it came from has the same inode, size and time; a repository with
 *     includes of its own or per-worktree configuration is read anew each time.
 */
import { readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { gitEnvironment, type GitPlace, type GitSetting } from './git-environment.ts';
import { filtersOf, type ConfigEntry, type FilterBlock } from './git-filters.ts';
import { runBytes } from './git-process.ts';

export type ConfigScan = {
  readonly settings: readonly GitSetting[];
  readonly hasIdentity: boolean;
  /** Filter drivers that do not run: files that use them cannot be checked out faithfully. */
  readonly blockedFilters: ReadonlyMap<string, FilterBlock>;
};
type CachedScan = {
  readonly known: string;
  readonly files: readonly string[];
  readonly stamp: string;
  readonly scan: ConfigScan;
};

/** @param grantedFilters names from the user's configuration, e.g. `lfs`. */
export function createConfigScanner(
  commonGitDir: string,
  grantedFilters: readonly string[],
): (place: GitPlace) => Promise<ConfigScan> {
  let cached: CachedScan | null = null;
  return async (place) => {
    const own = place.gitDir !== commonGitDir && exists(join(place.gitDir, 'config.worktree'));
    const known = knownFiles(commonGitDir);
    if (!own && cached !== null && cached.known === known.join('\n') && stampOf(cached.files) === cached.stamp) {
      return cached.scan;
    }
    cached = null;
    const before = stampOf(known);
    let entries = await listEntries(own ? place : { gitDir: commonGitDir, commonGitDir, workTree: null });
    const conditional = entries.some(
      ({ scope, key }) => scope !== 'system' && scope !== 'global' && /^include(?:if)?\./.test(key),
    );
    if (conditional && !own) entries = await listEntries(place);
    const scan = scanOf(entries, grantedFilters);
    if (!own && !conditional && stampOf(known) === before) {
      const files = [...new Set([...known, ...entries.flatMap(({ origin }) => fileOf(origin))])];
      cached = { known: known.join('\n'), files, stamp: stampOf(files), scan };
    }
    return scan;
  };
}

function knownFiles(commonGitDir: string): readonly string[] {
  const home = process.env['HOME'] ?? homedir();
  const xdg = process.env['XDG_CONFIG_HOME'] ?? join(home, '.config');
  return [join(commonGitDir, 'config'), join(home, '.gitconfig'), join(xdg, 'git', 'config'), '/etc/gitconfig'];
}

const fileOf = (origin: string): readonly string[] =>
  origin.startsWith('file:/') ? [origin.slice('file:'.length)] : [];

async function listEntries(place: GitPlace): Promise<readonly ConfigEntry[]> {
  const env = gitEnvironment({ place, settings: [], identity: null, outer: process.env });
  const { stdout } = await runBytes({
    cwd: place.workTree ?? place.gitDir,
    args: ['config', '--list', '-z', '--show-scope', '--show-origin'],
    env,
    options: {},
  });
  const parts = stdout.toString('utf8').split('\0');
  const entries: ConfigEntry[] = [];
  for (let index = 0; index + 2 < parts.length; index += 3) {
    const [key = '', ...value] = parts[index + 2]!.split('\n');
    // A key without a value is true.
    const said = value.length === 0 ? 'true' : value.join('\n');
    entries.push({ scope: parts[index]!, origin: parts[index + 1]!, key, value: said });
  }
  return entries.filter(({ scope }) => scope !== 'command');
}

function scanOf(entries: readonly ConfigEntry[], grantedFilters: readonly string[]): ConfigScan {
  const names = { filter: new Set<string>(), merge: new Set<string>(), hook: new Set<string>() };
  for (const { key } of entries) {
    const [, section, name] = /^(filter|merge|hook)\.(.+)\.[^.]+$/s.exec(key) ?? [];
    if (section !== undefined && name !== undefined) names[section as keyof typeof names].add(name);
  }
  const filters = filtersOf(entries, names.filter, grantedFilters);
  const settings: GitSetting[] = [...filters.settings];
  for (const name of names.merge) {
    // The merge git makes without a driver. An empty value would keep our side without saying so.
    settings.push([`merge.${name}.driver`, 'git merge-file -q %A %O %B']);
  }
  for (const name of names.hook) settings.push([`hook.${name}.enabled`, 'false']);
  const all = new Map(entries.map(({ key, value }) => [key, value]));
  return {
    settings,
    hasIdentity: Boolean(all.get('user.name')) && Boolean(all.get('user.email')),
    blockedFilters: filters.blocked,
  };
}

function stampOf(files: readonly string[]): string {
  return files
    .map((file) => {
      const stat = statSync(file, { bigint: true, throwIfNoEntry: false });
      return stat === undefined ? '-' : `${stat.dev}:${stat.ino}:${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}`;
    })
    .join(' ');
}

const exists = (path: string): boolean => statSync(path, { throwIfNoEntry: false }) !== undefined;

/** Filter names that `.git/info/attributes` uses, which no commit shows. */
export function filtersInInfoAttributes(commonGitDir: string): readonly string[] {
  try {
    return filterNamesIn(readFileSync(join(commonGitDir, 'info', 'attributes'), 'utf8'));
  } catch {
    return []; // Most repositories have no such file.
  }
}

/** Driver names in the text of attribute files. */
export function filterNamesIn(attributes: string): readonly string[] {
  return [...attributes.matchAll(/(?:^|\s)filter=([^\s]+)/g)].map((match) => match[1]!);
}
