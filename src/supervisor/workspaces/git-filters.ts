/**
 * Which filter programs (LFS, git-crypt) the system's own git runs. Pure.
 *
 * F1. None but those the *user's* configuration grants by name, with the values of the user's own git files: what the
 *     repository's files say about them is overridden.
 * F2. A granted filter that cannot run so is an error wherever its files are read or written: content without its
 *     filter is wrong content.
 */
import type { GitSetting } from './git-environment.ts';

/** A line of `git config --list`. */
export type ConfigEntry = {
  readonly scope: string;
  readonly origin: string;
  readonly key: string;
  readonly value: string;
};
/** Granted, and: the user's files name no program; or another file adds a `process`, which git cannot take back. */
export type FilterBlock = 'not granted' | 'no program' | 'not yours';
export type Filters = {
  readonly settings: readonly GitSetting[];
  /** Those that do not run. */
  readonly blocked: ReadonlyMap<string, FilterBlock>;
};
type Driver = {
  readonly name: string;
  readonly isGranted: boolean;
  /** The user's value of `filter.<name>.<part>`; null: not set. */
  readonly own: (part: string) => string | null;
  /** Some file names a `process`. */
  readonly hasProcess: boolean;
};

const programs = ['clean', 'smudge', 'process'] as const;

/** @param configured names that any file has; @param granted names from the user's configuration. */
export function filtersOf(
  entries: readonly ConfigEntry[],
  configured: ReadonlySet<string>,
  granted: readonly string[],
): Filters {
  const keys = new Set(entries.map(({ key }) => key));
  const users = new Map(
    entries.filter(({ scope }) => scope === 'global' || scope === 'system').map(({ key, value }) => [key, value]),
  );
  const settings: GitSetting[] = [];
  const blocked = new Map<string, FilterBlock>();
  for (const name of new Set([...configured, ...granted])) {
    const driver: Driver = {
      name,
      isGranted: granted.includes(name),
      own: (part) => users.get(`filter.${name}.${part}`) ?? null,
      hasProcess: keys.has(`filter.${name}.process`),
    };
    const block = blockOf(driver);
    if (block !== null) blocked.set(name, block);
    settings.push(...(block === null ? running(driver) : stopped(driver)));
  }
  return { settings, blocked };
}

function blockOf({ isGranted, own, hasProcess }: Driver): FilterBlock | null {
  if (!isGranted) return 'not granted';
  if (programs.every((part) => (own(part) ?? '') === '')) return 'no program';
  return hasProcess && own('process') === null ? 'not yours' : null;
}

/** `process` only where one is set: an empty one would keep the other two from running. */
const running = ({ name, own, hasProcess }: Driver): readonly GitSetting[] => [
  ...programs
    .filter((part) => part !== 'process' || hasProcess)
    .map((part): GitSetting => [`filter.${name}.${part}`, own(part) ?? '']),
  [`filter.${name}.required`, (own('required') ?? '') || 'false'],
];

/** F2: git fails where a required filter has no program. */
const stopped = ({ name, isGranted }: Driver): readonly GitSetting[] => [
  ...programs.map((part): GitSetting => [`filter.${name}.${part}`, '']),
  [`filter.${name}.required`, String(isGranted)],
];

/** What a person does about it. */
export const filterAdvice = (name: string, block: FilterBlock): string =>
  ({
    'not granted':
      `a program that Conductor's own git does not run. Allow it by name in your own configuration ` +
      `(gitFilters: [${name}]), or take the attribute away.`,
    'no program':
      `which you allow; your own git configuration does not say what program it is (git config --global ` +
      `filter.${name}.smudge, .clean or .process; for LFS: git lfs install).`,
    'not yours':
      `which you allow; the repository's git configuration adds a program to it that yours does not have ` +
      `(git config --unset filter.${name}.process).`,
  })[block];
