/**
 * Keeps what the generated tests took of every machine beside the charts (`npm run coverage`, after `npm test`), for packages that
 * have no tests. With `--check` it writes nothing and exits 1 when the kept figures are not those of the last run of the tests.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const measured = fileURLToPath(new URL('../coverage/machines.json', import.meta.url));
const kept = fileURLToPath(new URL('../visualizations/machine-coverage.json', import.meta.url));

const read = (path: string): string | null => (existsSync(path) ? readFileSync(path, 'utf8') : null);
const figures = read(measured);
if (figures === null) {
  console.error('there is no coverage/machines.json: run `npm test` first');
  process.exitCode = 1;
} else if (!process.argv.includes('--check')) {
  writeFileSync(kept, figures);
  console.log('visualizations/machine-coverage.json is written');
} else if (read(kept) === figures) {
  console.log('visualizations/machine-coverage.json is what the tests took');
} else {
  console.error(
    'visualizations/machine-coverage.json is not what the tests took: run `npm run coverage` after `npm test`',
  );
  process.exitCode = 1;
}
