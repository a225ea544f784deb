/** `inspect --stately`: lets receivers of the Stately inspector attach for as long as it runs. */
import { ConductorError } from '../../../machines/errors.ts';
import { SecretSet } from '../../../supervisor/runners/redaction.ts';
import type { CommandContext } from '../command-definition.ts';
import { EXIT } from '../exit-codes.ts';
import { grantedNames } from '../granted-names.ts';
import { findPlace } from '../project-place.ts';
import { StatelyBridge } from './stately-bridge.ts';
import { openStatelyServer, type StatelyServer } from './stately-server.ts';

/** @returns the exit code, when the supervisor has gone or the person has had enough. */
export const serveStately = async (context: CommandContext, port: number): Promise<number> => {
  const { io, report, repo } = context;
  const conductor = await context.openPort('start');
  const names = await grantedNames(await findPlace(repo, io.env), io.env);
  const secrets = new SecretSet(names.flatMap((name) => io.env[name] ?? []));
  const bridge = new StatelyBridge(conductor, (text) => secrets.redactText(text));
  const stop = new AbortController();
  const release = io.onSignal('SIGINT', () => stop.abort());
  const after = await bridge.begin();
  const server = await listen(port, () => bridge.greeting());
  try {
    report.result({ url: server.url }, () => [server.url]);
    report.note('receivers of the Stately inspector attach there; Ctrl-C ends it');
    await bridge.follow(server, { after, signal: stop.signal });
    return stop.signal.aborted ? EXIT.done : EXIT.trouble;
  } finally {
    release();
    await server.close();
  }
};

const listen = async (port: number, greeting: () => Iterable<string>): Promise<StatelyServer> => {
  try {
    return await openStatelyServer(port, greeting);
  } catch (cause) {
    const { code = 'unknown' } = cause as NodeJS.ErrnoException;
    const text = `Port ${String(port)} cannot be listened at (${code}): give another --port, or none`;
    throw new ConductorError('conflict', text, { details: { port, code }, cause });
  }
};
