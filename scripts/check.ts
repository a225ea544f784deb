/**
 * Everything that must hold before a change lands, in one command; CI runs the same.
 *
 * The stages run in the order in which they fail fastest. The first that fails ends the check with its name and its exit code.
 */
import { spawnSync } from 'node:child_process';

type Stage = { readonly name: string; readonly command: readonly string[] };

const npmRun = (script: string, ...args: string[]): readonly string[] => ['npm', 'run', '--silent', script, ...args];

/** Enough events for every kind of trouble to happen many times, few enough to stay within a minute. */
const simulatedEvents = 300_000;

const stages: readonly Stage[] = [
  { name: 'format', command: npmRun('format') },
  { name: 'lint', command: npmRun('lint') },
  { name: 'types', command: npmRun('types') },
  { name: 'diagrams up to date', command: npmRun('diagrams', '--', '--check') },
  { name: 'reference up to date', command: npmRun('reference', '--', '--check') },
  { name: 'tests', command: npmRun('test') },
  { name: 'coverage up to date', command: npmRun('coverage', '--', '--check') },
  {
    name: 'simulation',
    command: npmRun('simulate', '--', '--seed', '1', '--complete', '--events', String(simulatedEvents)),
  },
  { name: 'dead code', command: npmRun('dead') },
  { name: 'package', command: npmRun('pack:lint') },
];

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

/** @returns the exit code; 1 when the stage was killed or could not be started. */
const run = ({ name, command: [program = '', ...args] }: Stage): number => {
  console.log(`\n▸ ${name}`);
  const began = performance.now();
  const { status, signal, error } = spawnSync(program, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  const code = status ?? 1;
  const why = error?.message ?? (signal === null ? `exit code ${code}` : `killed by ${signal}`);
  const took = seconds(performance.now() - began);
  console.log(code === 0 ? `✓ ${name}: ${took}` : `✗ ${name}: ${why} after ${took}`);
  return code;
};

const began = performance.now();
for (const stage of stages) {
  const code = run(stage);
  if (code === 0) continue;
  console.error(`\ncheck failed at: ${stage.name}`);
  process.exit(code);
}
console.log(`\ncheck passed: ${stages.length} stages in ${seconds(performance.now() - began)}`);
