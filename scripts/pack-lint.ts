/**
 * Checks the package as its users would get it: packs it once, then asks publint and attw about that file.
 *
 * `npm pack` runs without scripts: the tests have built `dist/` a moment ago, and a second build proves nothing.
 */
import { execFileSync } from 'node:child_process';
import { globSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folder = mkdtempSync(join(tmpdir(), 'conductor-'));
const show = (program: string, ...args: string[]): void => void execFileSync(program, args, { stdio: 'inherit' });

try {
  execFileSync('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder], { stdio: 'ignore' });
  const [tarball = ''] = globSync(join(folder, '*.tgz'));
  show('publint', 'run', tarball, '--strict');
  show('attw', tarball, '--profile', 'esm-only');
} catch {
  // The tool that failed has said why on this terminal.
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
