/**
 * A file that leads a browser to a link, for handing it over without showing it: arguments of programs are seen by every user of a
 * machine, this file by its own alone.
 *
 * F1. It is there no longer than its link counts: taken away when that is used, over or dropped, when the inspector stops, and what a
 *     killed one left when the next starts.
 */
import { randomBytes } from 'node:crypto';
import { readdirSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LINK_MS } from './protocol.ts';

const NAME = /^inspector-link-[0-9a-f]{16}\.html$/;
const NAME_BYTES = 8;

export type LinkFiles = {
  /** @returns the path of a new file that leads to this address. */
  write(url: string): Promise<string>;
  /** Also one that is gone already. */
  remove(path: string): void;
  removeAll(): void;
};

/** @param projectHome a directory of this user alone */
export const createLinkFiles = (projectHome: string): LinkFiles => {
  const timers = new Map<string, NodeJS.Timeout>();
  const remove = (path: string): void => {
    clearTimeout(timers.get(path));
    timers.delete(path);
    rmSync(path, { force: true });
  };
  for (const name of namesIn(projectHome)) rmSync(join(projectHome, name), { force: true });
  return {
    write: async (url) => {
      const path = join(projectHome, `inspector-link-${randomBytes(NAME_BYTES).toString('hex')}.html`);
      // Never through a link that somebody laid, never over another file.
      await writeFile(path, pageTo(url), { mode: 0o600, flag: 'wx' });
      timers.set(path, setTimeout(() => remove(path), LINK_MS).unref());
      return path;
    },
    remove,
    removeAll: () => {
      for (const path of timers.keys()) remove(path);
    },
  };
};

const namesIn = (directory: string): readonly string[] => {
  try {
    return readdirSync(directory).filter((name) => NAME.test(name));
  } catch {
    // No directory, no files.
    return [];
  }
};

/** `url` is one of ours: a number of a port and base64url, nothing that means anything in HTML. */
const pageTo = (url: string): string => `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="referrer" content="no-referrer" />
    <meta http-equiv="refresh" content="0; url=${url}" />
    <title>Conductor</title>
  </head>
  <body>
    <p><a href="${url}">The inspector</a> opens.</p>
  </body>
</html>
`;
