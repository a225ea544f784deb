/** `diagram`: the chart of a machine, or of one thing with the states it is in. */
import type { CommandDefinition } from '../command-definition.ts';
import type { ConductorPort } from '../conductor-port.ts';
import { EXIT } from '../exit-codes.ts';
import { resolvePrefix } from '../operation-calls.ts';
import { usageError } from '../usage-error.ts';

const FORMATS = ['mermaid', 'svg', 'json'] as const;
type Format = (typeof FORMATS)[number];

export const diagramCommand: CommandDefinition = {
  name: 'diagram',
  summary: 'print the chart of a machine, or of one thing as it is now',
  arguments: [
    {
      name: '<machine|id>',
      description: 'objective, task, worker, run, gate, supervisor; or an id, or enough of its beginning',
      completes: ['task', 'run', 'gate', 'objective', 'worker'],
    },
  ],
  options: [{ flags: '--format <format>', description: 'default: mermaid', choices: FORMATS }],
  notes: 'The name of a machine needs no repository. The SVG is what the inspector shows.',
  examples: ['conductor diagram run', 'conductor diagram task --format svg > task.svg', 'conductor diagram run-01kb2'],
  run: async ({ context, args, options }) => {
    const [name = ''] = args;
    const format = (options['format'] ?? 'mermaid') as Format;
    const { drawMachine, isChartName } = await import('../../../operations/read-models/machine-picture.ts');
    const text = isChartName(name)
      ? await drawMachine({ machine: name, format, active: [], of: null })
      : await drawActor(await context.openPort('read'), name, format);
    context.report.result({ format, text }, () => [text.trimEnd()]);
    return EXIT.done;
  },
};

const drawActor = async (port: ConductorPort, name: string, format: Format): Promise<string> => {
  const { kind, id } = await resolvePrefix(port, name);
  if (kind === 'artifact') throw usageError('an artifact is no machine: name an objective, task, worker, run or gate');
  const { details } = await port.call('conductor_draw_machine', { machine: id, format });
  return (details as { readonly text: string }).text;
};
