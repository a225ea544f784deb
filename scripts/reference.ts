/** Writes docs/operations.md from the catalogue; `--check` only says whether it is up to date (exit 1 when it is not). */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { referenceMarkdown } from '../src/operations/reference.ts';

const path = new URL('../docs/operations.md', import.meta.url);
const made = referenceMarkdown();

const written = (): string | null => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // Not there yet: as good as out of date.
    return null;
  }
};

if (written() === made) {
  process.stdout.write('docs/operations.md is up to date\n');
} else if (process.argv.includes('--check')) {
  process.stderr.write('docs/operations.md is not what the catalogue says: node scripts/reference.ts\n');
  process.exitCode = 1;
} else {
  mkdirSync(new URL('.', path), { recursive: true });
  writeFileSync(path, made);
  process.stdout.write('docs/operations.md is written\n');
}
