/** `start`: a supervisor that stays. One that runs already is as good. */
import type { CommandDefinition } from '../command-definition.ts';
import { EXIT } from '../exit-codes.ts';

export const startCommand: CommandDefinition = {
  name: 'start',
  summary: 'start the supervisor; it stays until it is stopped',
  options: [{ flags: '--no-inspector', description: 'the inspector does not listen (conductor inspect)' }],
  examples: ['conductor start', 'conductor start --no-inspector'],
  run: async ({ context, options }) => {
    const { started } = await context.local.start(context.repo, { inspector: options['inspector'] !== false });
    const port = await context.openPort('running');
    const { supervisor, project } = port.facts();
    const pid = supervisor?.identity.pid ?? null;
    const facts = {
      started,
      supervisor:
        supervisor === null
          ? null
          : { pid, startedAt: supervisor.startedAt, version: supervisor.version, socket: supervisor.socket },
      project,
    };
    context.report.result(facts, () => [
      `${started ? 'started' : 'it runs already'}: pid ${String(pid)}, version ${supervisor?.version ?? '?'}`,
      `home ${project.home}`,
    ]);
    return EXIT.done;
  },
};
