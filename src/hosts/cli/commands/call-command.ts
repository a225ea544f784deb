/** `call`: any operation by its name, with its parameters as JSON. Prints what it answers. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ConductorError, isConductorError } from '../../../machines/errors.ts';
import type { CommandContext, CommandDefinition } from '../command-definition.ts';
import type { ConductorPort } from '../conductor-port.ts';
import { EXIT, exitCodeOf } from '../exit-codes.ts';
import { flagOf } from '../option-values.ts';
import { usageError } from '../usage-error.ts';

export const callCommand: CommandDefinition = {
  name: 'call',
  summary: 'call an operation by its name',
  arguments: [
    { name: '[operation]', description: 'as conductor_list_tasks', completes: ['operation'] },
    { name: '[json]', description: 'its parameters as JSON, @FILE, or - for stdin' },
  ],
  options: [{ flags: '--list', description: 'list the operations' }],
  notes: 'Prints {"content": […], "details": …}; a refusal is {"error": …} and exit 1.',
  examples: [
    'conductor call --list',
    `conductor call conductor_list_tasks '{"state": "failed"}'`,
    'conductor call conductor_run_plan @plan.json',
  ],
  run: async ({ context, args, options }) => {
    const { catalogue } = await import('../../../operations/catalogue.ts');
    if (flagOf(options, 'list')) {
      const operations = [...catalogue.values()].map(({ name, title, mutates }) => ({ name, title, mutates }));
      const width = Math.max(...operations.map(({ name }) => name.length));
      context.report.result({ operations }, () =>
        operations.map(({ name, title }) => `${name.padEnd(width)}  ${title}`),
      );
      return EXIT.done;
    }
    const [name] = args;
    if (name === undefined) throw usageError('name an operation; conductor call --list shows them all');
    const params = await paramsOf(context, args[1]);
    // An unknown name is judged by whoever answers: it may be newer than this command line.
    const writes = catalogue.get(name)?.mutates ?? false;
    const port = await context.openPort(writes ? 'start' : 'read');
    return answer(context, port, { name, params });
  },
};

const answer = async (
  { io }: CommandContext,
  port: ConductorPort,
  { name, params }: { readonly name: string; readonly params: Readonly<Record<string, unknown>> },
): Promise<number> => {
  try {
    const { content, details } = await port.call(name, params);
    io.stdout.write(`${JSON.stringify({ content, details })}\n`);
    return EXIT.done;
  } catch (error) {
    if (!isConductorError(error)) throw error;
    io.stdout.write(`${JSON.stringify({ error: new ConductorError(error.code, error.message, error).toJSON() })}\n`);
    return exitCodeOf(error.code) === EXIT.trouble ? EXIT.trouble : EXIT.refused;
  }
};

const paramsOf = async (
  { io }: CommandContext,
  word: string | undefined,
): Promise<Readonly<Record<string, unknown>>> => {
  if (word === undefined) return {};
  let text = word;
  if (word === '-') text = await io.stdin.readAll();
  else if (word.startsWith('@')) {
    text = await readFile(resolve(io.cwd, word.slice(1)), 'utf8').catch((error: unknown) => {
      throw usageError(`${word.slice(1)} cannot be read: ${(error as NodeJS.ErrnoException).code ?? 'unknown'}`);
    });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw usageError(`the parameters are no JSON: ${(error as Error).message}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw usageError(`the parameters must be a JSON object, as '{"state": "failed"}'`);
  }
  return value as Readonly<Record<string, unknown>>;
};
