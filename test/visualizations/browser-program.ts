/**
 * The program of the browser that tests and benches drive, unpacked once for all who need it at the same time.
 *
 * B1. What stands at its place is whole: it is unpacked beside it and renamed there, by whoever is first.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('../../', import.meta.url));
/** A process of its own, in which the folder for temporary files is one of ours. */
const unpacking = fileURLToPath(new URL('./unpack-browser.ts', import.meta.url));

export const browserProgram = async (): Promise<string> => {
  const facts = readFileSync(join(root, 'node_modules/@sparticuz/chromium/package.json'), 'utf8');
  const { version } = JSON.parse(facts) as { readonly version: string };
  const place = join(root, 'node_modules/.cache', `chromium-${version}`);
  if (!existsSync(place)) await unpackTo(place);
  return join(place, 'chromium');
};

const unpackTo = async (place: string): Promise<void> => {
  mkdirSync(join(place, '..'), { recursive: true });
  const beside = mkdtempSync(`${place}-`);
  try {
    const env = { ...process.env, TMPDIR: beside };
    await promisify(execFile)(process.execPath, [unpacking], { env });
    renameSync(beside, place);
  } catch (error) {
    if (!existsSync(place)) throw error;
  } finally {
    rmSync(beside, { recursive: true, force: true });
  }
};
