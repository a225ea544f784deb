/** `accept`: the work of a task that needs review is taken as it is; the reason is kept. */
import type { CommandDefinition } from '../command-definition.ts';
import { EXIT } from '../exit-codes.ts';
import { resolvePrefix } from '../operation-calls.ts';
import { textOf } from '../option-values.ts';
import { usageError } from '../usage-error.ts';
import { needKind } from './id-arguments.ts';

export const acceptCommand: CommandDefinition = {
  name: 'accept',
  summary: 'accept the work of a task that needs review',
  arguments: [{ name: '<task>', description: 'an id, or enough of its beginning', completes: ['task'] }],
  options: [{ flags: '--reason <text>', description: 'why it is good; kept with the task' }],
  examples: ['conductor accept task-01kb2 --reason "read the diff, tests are green here"'],
  run: async ({ context, args, options }) => {
    const reason = textOf(options, 'reason');
    if (reason === null || reason.trim() === '') throw usageError('--reason is missing: say why the work is good');
    const port = await context.openPort('start');
    const taskId = needKind(await resolvePrefix(port, args[0] ?? ''), 'task');
    const { details, content } = await port.call('conductor_accept_task', { taskId, reason });
    context.report.result(details, () => content.map(({ text }) => text));
    return EXIT.done;
  },
};
