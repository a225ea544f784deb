/** The program behind `conductor`: the command line with this process's terminal, files and supervisor. */
import { writeSync } from 'node:fs';
import { createLocalProject } from '../hosts/cli/local-project.ts';
import { createPortOpener } from '../hosts/cli/open-port.ts';
import { processIo } from '../hosts/cli/process-io.ts';
import { runCli } from '../hosts/cli/run-cli.ts';
import { ownPackage } from '../hosts/rpc/own-package.ts';

const io = processIo();
const { env } = io;
// Written at once: a pipe would lose what is still in a stream when the process exits.
const print = (text: string): void => void writeSync(1, text);
const complain = (text: string): void => void writeSync(2, text);
process.exit(
  await runCli(process.argv.slice(2), {
    io,
    version: ownPackage().version,
    opener: createPortOpener({ env, isAtTerminal: io.stdin.isTerminal && io.stdout.isTerminal }),
    local: createLocalProject({
      env,
      child: async (words) => {
        const { runChild } = await import('../hosts/child/child.ts');
        return runChild(words, { env, cwd: io.cwd, print, complain });
      },
    }),
  }),
);
