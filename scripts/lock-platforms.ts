/**
 * Completes `package-lock.json` with the packages of other platforms (`npm run lock:platforms`). Run it after an install that changed the lock file.
 *
 * npm leaves an optional package out of the lock file when its registry did not offer it, and then refuses that very file in `npm ci`
 * (`Missing: … from lock file`). The parent pins each by its exact version and the name says for which system it is, so the entry can
 * be written without asking anybody; it has no hash, npm takes that from the registry of whoever installs it.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

type LockEntry = {
  readonly version?: string;
  readonly cpu?: readonly string[];
  readonly dev?: boolean;
  readonly libc?: readonly string[];
  readonly optional?: boolean;
  readonly os?: readonly string[];
  readonly optionalDependencies?: Readonly<Record<string, string>>;
};
type Lock = { packages: Record<string, LockEntry> };

const path = fileURLToPath(new URL('../package-lock.json', import.meta.url));
const systems = ['android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32'];
const processors = ['arm', 'arm64', 'ia32', 'ppc64', 'riscv64', 's390x', 'wasm32', 'x64'];
const libraries: Readonly<Record<string, string>> = {
  gnu: 'glibc',
  gnueabihf: 'glibc',
  musl: 'musl',
  musleabihf: 'musl',
};

/** The places where Node would look for a package that `parent` asks for, nearest first. */
const placesOf = (parent: string, name: string): string[] => {
  const folders = parent.split('/node_modules/');
  const nested = folders.map((_, depth) => `${folders.slice(0, folders.length - depth).join('/node_modules/')}/`);
  return [...nested, ''].map((folder) => `${folder}node_modules/${name}`);
};

const entryFor = (name: string, version: string, dev: boolean): LockEntry => {
  const words = name.split(/[/-]/);
  const of = (known: readonly string[]): string[] => words.filter((word) => known.includes(word));
  const libc = words.flatMap((word) => libraries[word] ?? []);
  return {
    version,
    ...(of(processors).length > 0 && { cpu: of(processors) }),
    ...(dev && { dev }),
    ...(libc.length > 0 && { libc }),
    optional: true,
    ...(of(systems).length > 0 && { os: of(systems) }),
  };
};

const lock = JSON.parse(readFileSync(path, 'utf8')) as Lock;
const added: Record<string, LockEntry> = {};
for (const [parent, { optionalDependencies = {}, dev = false }] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(optionalDependencies)) {
    const places = placesOf(parent, name);
    const present = places.map((place) => lock.packages[place] ?? added[place]).find((entry) => entry !== undefined);
    const pinned = /^\d+\.\d+\.\d+$/.test(version);
    if (present !== undefined && pinned && present.version !== version) {
      throw new Error(
        `${name} is needed in ${version} by ${parent} and there in ${present.version}: align the parents`,
      );
    }
    if (present !== undefined) continue;
    if (!pinned) throw new Error(`${parent} does not pin ${name}: it says ${version}`);
    added[`node_modules/${name}`] = entryFor(name, version, dev);
  }
}

const { '': project = {}, ...others } = { ...lock.packages, ...added };
const sorted = Object.entries(others).toSorted(([a], [b]) => a.localeCompare(b, 'en'));
lock.packages = { '': project, ...Object.fromEntries(sorted) };
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`${Object.keys(added).length} packages of other platforms added to package-lock.json`);
