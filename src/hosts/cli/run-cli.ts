/**
 * The command line: from words to an exit code.
 *
 * C1. A command that is not typed is not loaded; `--version` and `--help` load none.
 * C2. Every end is an exit code of `exit-codes.ts`; every error has one message. Connections are closed on every way out.
 */
import { resolve } from 'node:path';
import { ConductorError, isConductorError } from '../../machines/errors.ts';
import { sortWords, type ArgumentWords } from './argument-words.ts';
import type { CliIo } from './cli-io.ts';
import type { CommandContext, LocalProject } from './command-definition.ts';
import type { ParsedWords } from './command-parser.ts';
import { COMMAND_GROUPS, COMMANDS, findCommand } from './command-table.ts';
import type { ConductorPort, PortOpener } from './conductor-port.ts';
import { EXIT, exitCodeOf } from './exit-codes.ts';
import { reportTo } from './output/report.ts';
import { usageError } from './usage-error.ts';

export type CliParts = {
  readonly io: CliIo;
  readonly version: string;
  readonly opener: PortOpener;
  readonly local: LocalProject;
};

/** @param argv the words after the program's name. @returns the exit code. */
export const runCli = async (argv: readonly string[], parts: CliParts): Promise<number> => {
  const words = sortWords(argv);
  const json = [...words.global, ...words.words].includes('--json');
  const report = reportTo(parts.io, json);
  try {
    return await runWords(words, parts, report);
  } catch (error) {
    const shown = isConductorError(error) ? error : failure(error);
    report.error(shown);
    if (!isConductorError(error) && parts.io.env['CONDUCTOR_DEBUG'])
      report.note(String((error as Error).stack ?? error));
    return exitCodeOf(shown.code);
  } finally {
    await parts.io.stdout.flush();
  }
};

const failure = (error: unknown): ConductorError =>
  new ConductorError(
    'internal',
    `this is a defect of conductor: ${error instanceof Error ? error.message : String(error)}`,
    {
      cause: error,
    },
  );

const runWords = async (words: ArgumentWords, parts: CliParts, report: CommandContext['report']): Promise<number> => {
  const { io } = parts;
  if (words.command === null) return withoutCommand(words, parts, report);
  if (words.command === 'help') return help(words.words[0] ?? null, io);
  if (words.command === 'version') return withoutCommand({ ...words, global: ['--version'] }, parts, report);
  const found = findCommand(words.command);
  if (found === null) throw await unknownCommand(words.command);
  // The words of `child` are read by the program that a run calls, so that both read them alike.
  if (found.name === 'child' && !words.words.includes('--help')) {
    return parts.local.child([...words.words, ...(words.program === null ? [] : ['--', ...words.program])]);
  }
  const [{ parseWords }, definition] = await Promise.all([import('./command-parser.ts'), found.load()]);
  const parsed = parseWords(definition, [...words.global, ...words.words]);
  if (parsed.kind === 'help') {
    io.stdout.write(parsed.text);
    return EXIT.done;
  }
  if (words.program !== null && parsed.definition.takesProgram !== true) {
    throw usageError(`conductor ${definition.name} takes no program after --\nSee conductor ${definition.name} --help`);
  }
  return runParsed({ ...parsed, program: words.program }, parts, report);
};

const runParsed = async (
  { definition, args, options, program }: Extract<ParsedWords, { kind: 'call' }> & Pick<ArgumentWords, 'program'>,
  { io, version, opener, local }: CliParts,
  report: CommandContext['report'],
): Promise<number> => {
  const repo = resolve(io.cwd, typeof options['repo'] === 'string' ? options['repo'] : '.');
  const opened: ConductorPort[] = [];
  const openPort: CommandContext['openPort'] = async (need) => {
    const port = await opener.open(repo, need);
    opened.push(port);
    return port;
  };
  const context = { io, version, repo, json: report.json, report, local, openPort };
  try {
    return (await definition.run?.({ context, args, options, program })) ?? EXIT.done;
  } finally {
    // A connection that cannot be closed is gone already.
    await Promise.allSettled(opened.map((port) => port.close()));
  }
};

const withoutCommand = (
  { global }: ArgumentWords,
  { io, version }: CliParts,
  report: CommandContext['report'],
): number => {
  if (global.some((word) => word === '--version' || word === '-V')) {
    report.result({ version }, () => [version]);
    return EXIT.done;
  }
  if (global.some((word) => word === '--help' || word === '-h')) {
    io.stdout.write(mainHelp());
    return EXIT.done;
  }
  const unknown = global.find((word) => word !== '--json' && word !== '--repo' && word.startsWith('-'));
  throw usageError(
    unknown === undefined
      ? 'a command is missing; conductor --help lists them, conductor status shows what is going on'
      : `unknown option ${unknown}\nSee conductor --help`,
  );
};

const help = async (name: string | null, io: CliIo): Promise<number> => {
  const found = name === null ? null : findCommand(name);
  if (name !== null && found === null) throw await unknownCommand(name);
  const text = found === null ? mainHelp() : (await import('./command-parser.ts')).helpText(await found.load());
  io.stdout.write(text);
  return EXIT.done;
};

/** The text of `conductor --help`. */
export const mainHelp = (): string => {
  const width = Math.max(...COMMANDS.map(({ name }) => name.length)) + 2;
  const groups = COMMAND_GROUPS.map(
    ({ title, commands }) =>
      `${title}:\n${commands.map(({ name, summary }) => `  ${name.padEnd(width)}${summary}\n`).join('')}`,
  );
  return [
    'Usage: conductor <command> [options]\n\n',
    'Runs coding-agent work in processes and worktrees of its own. Nothing is lost.\n\n',
    groups.join('\n'),
    '\nEvery command takes --json, --repo DIR and --help.\n',
    '\nExamples:\n  $ conductor run plan.yaml\n  $ conductor run --title "unit tests" -- npm test\n  $ conductor status\n',
  ].join('');
};

const unknownCommand = async (name: string): Promise<ConductorError> => {
  const { nearestName } = await import('../../operations/nearest-name.ts');
  const nearest = nearestName(
    name,
    COMMANDS.map((one) => one.name),
  );
  return usageError(
    `unknown command ${name}${nearest === null ? '' : `; did you mean ${nearest}?`}\nSee conductor --help`,
  );
};
