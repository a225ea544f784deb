/**
 * From a command's definition to commander's: parsing, `--help`, and messages for what cannot be parsed.
 *
 * A1. Whatever commander refuses is one message with the way to the help, and exit code 2.
 */
import { Argument, Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import type { ConductorError } from '../../machines/errors.ts';
import type { CommandDefinition, OptionDefinition, OptionValue } from './command-definition.ts';
import { usageError } from './usage-error.ts';

export type ParsedWords =
  | { readonly kind: 'help'; readonly text: string }
  | {
      readonly kind: 'call';
      readonly definition: CommandDefinition;
      readonly args: readonly (string | undefined)[];
      readonly options: Readonly<Record<string, OptionValue>>;
    };

/** Options that every command has. */
export const COMMON_OPTIONS: readonly OptionDefinition[] = [
  { flags: '--json', description: 'print JSON on stdout' },
  { flags: '--repo <dir>', description: 'the repository (default: where you are)' },
];

const HELP_COLUMNS = 80;

/** @throws ConductorError `invalid_params` with `details.usage` for what cannot be parsed. */
export const parseWords = (definition: CommandDefinition, words: readonly string[]): ParsedWords => {
  let help = '';
  let chosen: ParsedWords | null = null;
  const command = commandOf(definition, {
    print: (text) => {
      help += text;
    },
    choose: (call) => {
      chosen = call;
    },
  }).name(`conductor ${definition.name}`);
  try {
    command.parse([...words], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === 'commander.helpDisplayed') return { kind: 'help', text: help };
    if (error.code === 'commander.help') throw subcommandMissing(definition);
    throw usageError(`${error.message.replace(/^error: /, '')}\nSee conductor ${definition.name} --help`);
  }
  if (chosen === null) throw subcommandMissing(definition);
  return chosen;
};

const subcommandMissing = ({ name, subcommands = [] }: CommandDefinition): ConductorError =>
  usageError(
    `conductor ${name} needs one of ${subcommands.map((one) => one.name).join(', ')}\nSee conductor ${name} --help`,
  );

/** The text of `--help`. */
export const helpText = (definition: CommandDefinition): string => {
  const parsed = parseWords(definition, ['--help']);
  return parsed.kind === 'help' ? parsed.text : '';
};

type Sink = { readonly print: (text: string) => void; readonly choose: (call: ParsedWords) => void };

function commandOf(definition: CommandDefinition, sink: Sink): Command {
  const command = new Command(definition.name)
    .description(definition.summary)
    .helpOption('-h, --help', 'show this')
    .helpCommand(false)
    .allowExcessArguments(false)
    .showSuggestionAfterError(true)
    .configureHelp({ helpWidth: HELP_COLUMNS })
    .configureOutput({ writeOut: sink.print, writeErr: () => {}, getOutHelpWidth: () => HELP_COLUMNS })
    .exitOverride();
  for (const { name, description } of definition.arguments ?? []) command.addArgument(new Argument(name, description));
  for (const option of [...(definition.options ?? []), ...COMMON_OPTIONS]) command.addOption(optionOf(option));
  const usage = definition.takesProgram === true ? `${command.usage()} [-- PROGRAM ARGS…]` : command.usage();
  command.usage(usage).addHelpText('after', endOfHelp(definition));
  for (const sub of definition.subcommands ?? []) command.addCommand(commandOf(sub, sink));
  if (definition.run !== undefined) {
    command.action((...given: unknown[]) => {
      const count = definition.arguments?.length ?? 0;
      sink.choose({
        kind: 'call',
        definition,
        args: given.slice(0, count) as (string | undefined)[],
        options: command.optsWithGlobals(),
      });
    });
  }
  return command;
}

const endOfHelp = ({ notes, examples }: CommandDefinition): string => {
  const shown = examples.length === 0 ? '' : `\nExamples:\n${examples.map((line) => `  $ ${line}\n`).join('')}`;
  return `${notes === undefined ? '' : `\n${notes}\n`}${shown}`;
};

function optionOf({ flags, description, choices, repeatable, range }: OptionDefinition): Option {
  const option = new Option(flags, description);
  if (choices !== undefined) option.choices([...choices]);
  if (range !== undefined) option.argParser((text: string) => wholeNumber(text, range));
  if (repeatable === true)
    option.argParser((text: string, before: readonly string[] | undefined) => [...(before ?? []), text]);
  return option;
}

const wholeNumber = (text: string, { min, max }: { readonly min: number; readonly max: number }): number => {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new InvalidArgumentError(`It must be a whole number from ${String(min)} to ${String(max)}.`);
};
