/** Finds the programs and threads that this package starts: every form of its code names them by an ending of its own. */
import { existsSync } from 'node:fs';
import { ConductorError } from '../machines/errors.ts';

/**
 * Sources and the library have the same ending everywhere. Of bundled programs each has its own, and a chunk of one may lie in a folder
 * below it.
 *
 * @param from `import.meta.url` of the asking file; in the library and the sources the file is looked for right beside it.
 * @param name Without its ending.
 * @throws ConductorError `internal` when it was not built.
 */
export const programBeside = (from: string, name: string): URL => {
  const own = /\.[a-z]+$/.exec(from)![0];
  for (const folder of ['./', '../']) {
    for (const ending of new Set([own, '.cjs', '.mjs'])) {
      const url = new URL(`${folder}${name}${ending}`, from);
      if (existsSync(url)) return url;
    }
  }
  throw new ConductorError('internal', `${name} is missing beside the programs: install conductor again`);
};
