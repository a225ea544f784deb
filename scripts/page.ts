/**
 * Builds the inspector's page into a folder, and says how much a browser has to load.
 *
 * A page that grows beyond its budget fails the build.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';

const source = fileURLToPath(new URL('../visualizations', import.meta.url));

/** Scripts and styles without the terminal, gzipped, in bytes. */
const PAGE_BYTES_MAX = 350 * 1_024;
/** Loads only with the first terminal. */
const isTerminal = (file: string): boolean => file.includes('xterm');

export type PageSize = { readonly files: number; readonly gzipped: number };

const sizeOf = (folder: string): PageSize => {
  const files = readdirSync(folder).filter((file) => /\.(?:js|css)$/.test(file) && !isTerminal(file));
  const gzipped = files.reduce((sum, file) => sum + gzipSync(readFileSync(join(folder, file))).byteLength, 0);
  return { files: files.length, gzipped };
};

/** @throws Error when the page does not build or is larger than its budget. */
export const buildPage = async (outDir: string): Promise<PageSize> => {
  await build({
    root: source,
    configFile: join(source, 'vite.config.ts'),
    build: { outDir },
    logLevel: 'warn',
  });
  const size = sizeOf(join(outDir, 'assets'));
  if (size.gzipped > PAGE_BYTES_MAX) {
    throw new Error(`the page has ${String(size.gzipped)} bytes gzipped, ${String(PAGE_BYTES_MAX)} are allowed`);
  }
  return size;
};
