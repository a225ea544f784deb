/**
 * The program of one run's process: `runner.mjs <path to contract.json>`. Exit code 0: it did what it was told, also when that was
 * nothing.
 */
import { readContract } from '../hosts/runner/contract-file.ts';
import { systemFiles } from '../hosts/runner/file-port.ts';
import { Runner } from '../hosts/runner/runner.ts';

// Whatever this process makes is the user's alone; what it starts gets the contract's umask.
process.umask(0o077);
const [path] = process.argv.slice(2);
if (path === undefined) {
  process.stderr.write('usage: runner <path to contract.json>\n');
  process.exit(2);
}
try {
  process.exit(await new Runner(readContract(path), systemFiles).run());
} catch (error) {
  process.stderr.write(`conductor runner: ${(error as Error).message}\n`);
  process.exit(1);
}
