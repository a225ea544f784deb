/**
 * The last task of tour.yaml: makes INVENTORY.md from what the tasks before it left as artifacts.
 *
 * An ordinary program: it knows Conductor only by two environment variables. CONDUCTOR_DEPENDENCIES names a JSON file with one
 * `{task, branch, commit, artifacts}` per dependency. `--check` says whether INVENTORY.md is what it should be.
 */
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const file = 'INVENTORY.md';

if (process.argv.includes('--check')) {
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const missing = ['# Inventory', '## Sources', '## State machines', '## Checks'].filter(
    (title) => !text.includes(title),
  );
  if (missing.length > 0) {
    console.error(`${file} lacks: ${missing.join(', ')}`);
    process.exit(1);
  }
  console.log(`${file}: ${text.split('\n').length} lines, all four parts there`);
  process.exit(0);
}

const dependencies = JSON.parse(readFileSync(process.env.CONDUCTOR_DEPENDENCIES, 'utf8'));
const artifact = (task, name) => {
  const { artifacts } = dependencies.find((dependency) => dependency.task === task);
  return readFileSync(join(artifacts, name), 'utf8');
};

const tests = JSON.parse(artifact('machine-tests', 'machine-tests.json'));
const types = artifact('types', 'types.txt');
const lint = artifact('lint', 'lint.txt');
const figure = (text, label) => text.match(new RegExp(`^${label}:\\s+(\\S+)`, 'm'))?.[1] ?? 'unknown';

writeFileSync(
  file,
  [
    '# Inventory',
    '',
    `Made by \`examples/tour.yaml\` from the artifacts of ${dependencies.length} tasks.`,
    '',
    '## Sources',
    '',
    '| folder | files | lines |',
    '| --- | ---: | ---: |',
    ...folders('src').map(({ name, files, lines }) => `| src/${name} | ${files} | ${lines} |`),
    '',
    '## State machines',
    '',
    `${tests.numPassedTests} of ${tests.numTotalTests} tests passed, in ${tests.numTotalTestSuites} groups.`,
    '',
    ...machines().map((name) => `- ${name}`),
    '',
    '## Checks',
    '',
    `- types: ${figure(types, 'Files')} files, ${figure(types, 'Lines')} lines, in ${figure(types, 'Total time')}`,
    `- lint: ${lint.match(/^Found .*$/m)?.[0] ?? 'no summary'}`,
    '',
  ].join('\n'),
);
console.log(`wrote ${file}`);

function folders(root) {
  return readdirSync(root)
    .filter((name) => statSync(join(root, name)).isDirectory())
    .map((name) => {
      const files = readdirSync(join(root, name), { recursive: true }).filter((path) => path.endsWith('.ts'));
      const lines = files.reduce(
        (sum, path) => sum + readFileSync(join(root, name, path), 'utf8').split('\n').length,
        0,
      );
      return { name, files: files.length, lines };
    });
}

function machines() {
  const root = join('src', 'machines');
  return readdirSync(root).filter((name) => existsSync(join(root, name, 'machine.ts')));
}
