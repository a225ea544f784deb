/**
 * The program of one run's process: `runner.cjs <path to contract.json>`, or `runner.cjs --warm <directory of the runs> <name of its
 * cgroup>`, which waits until it is told which. Exit code 0: it did what it was told, also when that was nothing.
 */
import { readContract } from '../hosts/runner/contract-file.ts';
import { systemFiles } from '../hosts/runner/file-port.ts';
import { Runner } from '../hosts/runner/runner.ts';
import { waitForContract } from '../hosts/runner/warm-start.ts';
import { RUNNER_PACE, startMemoryRest } from '../supervisor/processes/memory-rest.ts';
import { WARM } from '../supervisor/runners/contract.ts';

// Whatever this process makes is the user's alone; what it starts gets the contract's umask.
process.umask(0o077);
const [first, , unit] = process.argv.slice(2);
if (first === undefined) {
  process.stderr.write('usage: runner <path to contract.json>\n');
  process.exit(2);
}
/** Without an `await` outside of it, so that the bundle can be CommonJS: Node starts that 10 ms sooner. */
const main = async (): Promise<number> => {
  try {
    const path = first === WARM ? waitForContract() : first;
    if (path === null) return 0;
    const contract = readContract(path);
    startMemoryRest(RUNNER_PACE);
    return await new Runner(contract, systemFiles, unit).run();
  } catch (error) {
    process.stderr.write(`conductor runner: ${(error as Error).message}\n`);
    return 1;
  }
};
void main().then((code) => process.exit(code));
