/**
 * Which other Node runs the command line, when the current one must not.
 *
 * Loaded by the launcher only then, under a Node that may be as old as 16. Order: `CONDUCTOR_NODE`, the packaged Node, `node` on PATH.
 * The current one comes before the packaged one; the launcher has ruled it out. Everything that the command line starts runs under the
 * Node that it runs under: this is the one place where one is chosen.
 *
 * N1. The other Node gets every signal once: a terminal sends Ctrl-C to both processes, anybody else to this one alone.
 * N2. This process ends as the other one ended: same exit code, same signal.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const exitSupervisorOrStore = 4;
const relayed = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const packagedNode = (launcherUrl: string): string | undefined => {
  const path = fileURLToPath(new URL('../../node_modules/.bin/node', launcherUrl));
  return existsSync(path) ? path : undefined;
};

const refuse = (wanted: string, found: string): never => {
  const how = 'install such a Node, or set CONDUCTOR_NODE to the path of one';
  const message = `conductor needs Node ${wanted} and found ${found}: ${how}.`;
  const error = { code: 'node_too_old', message, retryable: false, details: { found, wanted, how } };
  if (process.argv.includes('--json')) console.log(JSON.stringify({ error }));
  else console.error(message);
  return process.exit(exitSupervisorOrStore);
};

/** Ends this process: one sentence (with `--json` the error of the command line) and exit code 4. */
export const refuseThisNode = (wanted: string): never => refuse(wanted, `${process.version} (${process.execPath})`);

/**
 * Runs the launcher again under another Node and ends with it.
 *
 * @param launcherUrl where the built launcher lies: the packaged Node is two folders up.
 */
export const becomeOtherNode = (wanted: string, launcherUrl: string): void => {
  const named = process.env['CONDUCTOR_NODE'] || undefined;
  const node = named ?? packagedNode(launcherUrl) ?? 'node';
  const child = spawn(node, process.argv.slice(1), {
    stdio: 'inherit',
    env: { ...process.env, CONDUCTOR_NODE_CHOSEN: '1' },
  });
  for (const signal of relayed) {
    process.on(signal, () => {
      if (signal !== 'SIGINT' || !process.stderr.isTTY) child.kill(signal);
    });
  }
  child.on('error', ({ message }) => {
    if (named === undefined) refuseThisNode(wanted);
    refuse(wanted, `CONDUCTOR_NODE=${named}, which does not start (${message})`);
  });
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? exitSupervisorOrStore);
    for (const name of relayed) process.removeAllListeners(name);
    process.kill(process.pid, signal);
  });
};
