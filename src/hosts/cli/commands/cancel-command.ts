/** `cancel`: an objective, a task or a run; returns when the processes are gone. What has ended already is no error. */
import { ConductorError } from '../../../machines/errors.ts';
import type { CommandContext, CommandDefinition } from '../command-definition.ts';
import type { ConductorPort } from '../conductor-port.ts';
import { EXIT } from '../exit-codes.ts';
import { resolvePrefix } from '../operation-calls.ts';
import { textOf } from '../option-values.ts';

/** Pause between two looks at whether the processes are gone, in ms. */
const LOOK_MS = 100;

type Cancelable = 'objective' | 'task' | 'run';
const operations: Readonly<Record<Cancelable, string>> = {
  objective: 'conductor_cancel_objective',
  task: 'conductor_cancel_task',
  run: 'conductor_cancel_task_run',
};

export const cancelCommand: CommandDefinition = {
  name: 'cancel',
  summary: 'cancel an objective, a task or a run',
  arguments: [
    { name: '<id>', description: 'an id, or enough of its beginning', completes: ['objective', 'task', 'run'] },
  ],
  options: [
    { flags: '--no-wait', description: 'return at once, while processes end' },
    { flags: '--reason <text>', description: 'kept with it' },
  ],
  examples: ['conductor cancel task-01kb2', 'conductor cancel objective-01kb2 --no-wait'],
  run: async ({ context, args, options }) => {
    const port = await context.openPort('start');
    const { kind, id } = await resolvePrefix(port, args[0] ?? '');
    if (kind !== 'objective' && kind !== 'task' && kind !== 'run') {
      throw new ConductorError('invalid_params', `${id} is a ${kind}; objectives, tasks and runs can be canceled`, {
        details: { id, kind },
      });
    }
    const reason = textOf(options, 'reason') ?? 'conductor cancel';
    const { details } = await port.call(operations[kind], { [`${kind}Id`]: id, reason });
    const changed = (details as { readonly changed?: boolean }).changed !== false;
    if (changed && options['wait'] !== false) await processesGone(context, port, id);
    context.report.result({ [`${kind}Id`]: id, changed }, () => [
      changed ? `${id} is canceled` : `${id} has ended already`,
    ]);
    return EXIT.done;
  },
};

const finals: readonly string[] = [
  'succeeded',
  'partial',
  'blocked',
  'failed',
  'aborted',
  'stale',
  'interrupted',
  'unknown_dispatch',
];

/** A run is final only after its census was empty. */
const processesGone = async ({ io }: CommandContext, port: ConductorPort, id: string): Promise<void> => {
  for (;;) {
    const { shown } = await resolvePrefix(port, id);
    const runs = shown.kind === 'run' ? [shown.item] : 'runs' in shown ? (shown.runs ?? []) : [];
    if (runs.every(({ status }) => finals.includes(status))) return;
    await new Promise<void>((resolve) => void io.after(LOOK_MS, resolve));
  }
};
