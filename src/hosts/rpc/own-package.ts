/**
 * Where this code lies: in a checkout, an installed package, a bundle, or a runtime copy; and what version it is.
 *
 * In all four a `package.json` with our name stands above it. A runtime copy has its programs beside that file, everything else
 * in `dist/programs`.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConductorError } from '../../machines/errors.ts';

export type OwnPackage = { readonly root: string; readonly version: string };

const NAME = 'conductor-kernel';
/** `dist/programs/chunks/x.mjs` and `dist/hosts/rpc/x.js` lie three below it. */
const LEVELS_MAX = 6;

let found: OwnPackage | null = null;

/** @throws internal when the files were torn out of their package. */
export const ownPackage = (): OwnPackage => {
  found ??= findPackage(dirname(fileURLToPath(import.meta.url)));
  return found;
};

/** Of the inspector's page: below `dist` in a package, below the root of a runtime copy. */
export const PAGE_FOLDER = 'page';

/** The folder with the page's `index.html`; null when it was not built. */
export const pageFolder = ({ root } = ownPackage()): string | null =>
  [join(root, PAGE_FOLDER), join(root, 'dist', PAGE_FOLDER)].find((each) => existsSync(join(each, 'index.html'))) ??
  null;

/**
 * The folder with `supervisor.cjs`, `runner.cjs` and the others.
 * @throws internal when they are not built.
 */
export const programsFolder = ({ root } = ownPackage()): string => {
  const folder = [root, join(root, 'dist', 'programs')].find((each) => existsSync(join(each, 'supervisor.cjs')));
  if (folder !== undefined) return folder;
  throw new ConductorError(
    'internal',
    `${join(root, 'dist', 'programs')} holds no supervisor.cjs: run \`npm run build\``,
    {
      details: { root },
    },
  );
};

const findPackage = (start: string): OwnPackage => {
  let folder = start;
  for (let level = 0; level < LEVELS_MAX; level += 1) {
    const path = join(folder, 'package.json');
    if (existsSync(path)) {
      const { name, version } = JSON.parse(readFileSync(path, 'utf8')) as { name?: unknown; version?: unknown };
      if (name === NAME && typeof version === 'string') return { root: folder, version };
    }
    folder = dirname(folder);
  }
  throw new ConductorError('internal', `${start} is in no package ${NAME}: install it again`, { details: { start } });
};
