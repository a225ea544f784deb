/** `retry`: a task is made ready again; its attempts start at 0. */
import type { CommandDefinition } from '../command-definition.ts';
import { EXIT } from '../exit-codes.ts';
import { resolvePrefix } from '../operation-calls.ts';
import { needKind } from './id-arguments.ts';

export const retryCommand: CommandDefinition = {
  name: 'retry',
  summary: 'start a task anew that failed, was canceled or needs review',
  arguments: [{ name: '<task>', description: 'an id, or enough of its beginning', completes: ['task'] }],
  examples: ['conductor retry task-01kb2'],
  run: async ({ context, args }) => {
    const port = await context.openPort('start');
    const found = await resolvePrefix(port, args[0] ?? '');
    const taskId = needKind(found, 'task');
    const { details, content } = await port.call('conductor_retry_task', { taskId });
    context.report.result(details, () => content.map(({ text }) => text));
    return EXIT.done;
  },
};
