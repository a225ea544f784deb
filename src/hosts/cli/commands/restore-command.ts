/** `restore`: brings back, byte for byte, what a cleanup or a new run put aside. Where it stood must be free. */
import type { CommandDefinition } from '../command-definition.ts';
import { EXIT } from '../exit-codes.ts';
import { textOf } from '../option-values.ts';
import { plural } from '../output/time-text.ts';
import { workerIdOf } from './worker-argument.ts';

type Restored = {
  readonly workerId: string;
  readonly worktreePath: string;
  readonly branch: string;
  readonly files: number;
};

export const restoreCommand: CommandDefinition = {
  name: 'restore',
  summary: 'bring back what a cleanup or a new run put aside',
  arguments: [{ name: '<worker>', description: 'its name, or its id', completes: ['worker'] }],
  options: [{ flags: '--ref <ref>', description: 'which of its rescues (default: the newest)' }],
  examples: ['conductor restore builder', 'conductor restore worker-01kb2 --ref refs/conductor/rescue/builder/1'],
  run: async ({ context, args, options }) => {
    const port = await context.openPort('start');
    const workerId = await workerIdOf(port, args[0] ?? '');
    const ref = textOf(options, 'ref');
    const { details } = await port.call('conductor_restore_worker', { workerId, ...(ref === null ? {} : { ref }) });
    const restored = details as Restored;
    context.report.result(restored, () => [
      `${restored.worktreePath} is back on ${restored.branch}, ${plural(restored.files, 'file')} beside what was committed`,
    ]);
    return EXIT.done;
  },
};
