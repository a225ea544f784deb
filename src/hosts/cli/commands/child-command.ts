/** `child`: words for a program inside a run. The program `child` is small and does the work; here stands only its help. */
import type { CommandDefinition } from '../command-definition.ts';

export const childCommand: CommandDefinition = {
  name: 'child',
  summary: 'report from inside a run',
  arguments: [{ name: '<word>', description: 'progress, gate, followup or complete' }],
  notes: [
    '  child progress TEXT [--artifact TYPE:PATH] [--key K]',
    '  child gate --type needs_input|needs_review --ask TEXT [--wait [--timeout MS]]',
    '  child followup --title T -- PROGRAM ARGS',
    '  child complete succeeded|partial|blocked|failed|aborted --summary TEXT',
    '        [--artifact TYPE:PATH]',
    '',
    'Prints {"applied": true | "stored" | false, "reason"?}.',
    'Exit: 0 applied or stored, 1 refused, 2 usage, 4 no runner.',
  ].join('\n'),
  takesProgram: true,
  examples: [
    'conductor child progress "half of the files are done"',
    'conductor child complete succeeded --summary "done"',
  ],
  run: ({ context, args }) => context.local.child([args[0] ?? '']),
};
