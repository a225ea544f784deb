/**
 * Builds `dist/`: the library by the compiler, the programs by the bundler, the inspector's page by Vite.
 *
 * Everything is made in a directory beside `dist` and then takes its place by a rename, so that a failed build leaves the last good one
 * where it was and two builds at once do not mix.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { planSchemaJson } from '../src/operations/plan/plan-schema.ts';
import { bundleProgram } from './bundle.ts';
import { buildPage } from './page.ts';
import { programs, programsFolder, type Program } from './programs.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const target = join(root, 'dist');
const staging = join(root, `dist-${process.pid}`);
const replaced = join(root, `dist-${process.pid}-old`);

const presentPrograms = (): Program[] => {
  const missing = programs.filter(({ entry }) => !existsSync(join(root, entry)));
  const fatal = missing.filter(({ required }) => required).map(({ entry }) => entry);
  if (fatal.length > 0) throw new Error(`these programs have no entry: ${fatal.join(', ')}`);
  return programs.filter((program) => !missing.includes(program));
};

const compile = (): void => {
  const compiler = join(root, 'node_modules', '.bin', 'tsc');
  execFileSync(compiler, ['-p', 'src', '--outDir', staging], { cwd: root, stdio: 'inherit' });
};

/** A page that was not checked out is not built: the supervisor says so to whoever asks for it. */
const compilePage = async (): Promise<void> => {
  if (!existsSync(join(root, 'visualizations', 'index.html'))) return;
  const { files, gzipped } = await buildPage(join(staging, 'page'));
  copyFileSync(join(root, 'visualizations', 'machine-coverage.json'), join(staging, 'page', 'machine-coverage.json'));
  console.log(`page: ${String(files)} files, ${(gzipped / 1_024).toFixed(1)} KiB gzipped without the terminal`);
};

const publish = (): void => {
  if (existsSync(target)) renameSync(target, replaced);
  renameSync(staging, target);
};

try {
  compile();
  for (const program of presentPrograms()) await bundleProgram(program, join(staging, programsFolder));
  await compilePage();
  // For editors: a plan file that names it is checked while it is written.
  writeFileSync(join(staging, 'plan.schema.json'), planSchemaJson());
  publish();
} catch (error) {
  console.error(`The build failed: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  for (const path of [staging, replaced]) rmSync(path, { recursive: true, force: true });
}
