/** The project's secret: 32 random bytes, made once, readable by its user alone. Tokens of runners are made with it. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeWholeFile } from '../persistence/whole-file.ts';

/** Called by the owner of the project only, so that two cannot make two. @returns 64 hexadecimal digits. */
export async function readProjectSecret(projectHome: string): Promise<string> {
  const path = join(projectHome, 'secret');
  if (existsSync(path)) {
    const secret = readFileSync(path, 'utf8').trim();
    if (/^[0-9a-f]{64}$/.test(secret)) return secret;
  }
  const secret = randomBytes(32).toString('hex');
  await writeWholeFile(path, `${secret}\n`);
  return secret;
}
