/**
 * `logs`: what a run printed, read from its files; bytes of logs never pass the supervisor. `-f` goes on until the run is final.
 * On a terminal colours pass and nothing else; `--raw` passes everything.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { ConductorError, isConductorError } from '../../../machines/errors.ts';
import type { RunItem } from '../../../operations/read-models/item-schemas.ts';
import { RUN_FILES } from '../../../supervisor/runners/contract.ts';
import type { CommandCall, CommandContext, CommandDefinition } from '../command-definition.ts';
import type { ConductorPort } from '../conductor-port.ts';
import { EXIT } from '../exit-codes.ts';
import { resolvePrefix } from '../operation-calls.ts';
import { flagOf } from '../option-values.ts';
import { TerminalFilter } from '../output/terminal-filter.ts';
import { readRunLog, type LogPiece } from '../run-log.ts';
import { usageError } from '../usage-error.ts';

/** Pause between two looks at the end of a log, in ms. */
const LOOK_MS = 100;
/** How often the supervisor is asked whether the run is final, in looks. */
const ASK_EVERY = 5;

export const logsCommand: CommandDefinition = {
  name: 'logs',
  summary: 'print what a run printed',
  arguments: [
    { name: '<run>', description: 'a run or a task: an id, or enough of its beginning', completes: ['run', 'task'] },
  ],
  options: [
    { flags: '-f, --follow', description: 'go on until the run is final' },
    { flags: '--raw', description: 'everything as it was printed, also to a terminal' },
    { flags: '--cast', description: 'the recording of its terminal (asciicast v2)' },
  ],
  notes: 'With --json one line of JSON per line: {at, stream, text}.',
  examples: ['conductor logs run-01kb2', 'conductor logs -f task-01kb2', 'conductor logs --cast run-01kb2 > run.cast'],
  run: async (call) => {
    const { context, args, options } = call;
    const port = await context.openPort('read');
    const { runId, isFinal } = await runOf(port, args[0] ?? '');
    const directory = join(port.facts().project.home, 'runs', runId);
    if (flagOf(options, 'cast')) return printRecording(context, directory, runId);
    const stop = new AbortController();
    const release = context.io.onSignal('SIGINT', () => stop.abort());
    const follows = flagOf(options, 'follow') && !isFinal;
    try {
      const pause = follows ? untilFinal(context, port, { runId, signal: stop.signal }) : null;
      const printer = printerFor(call);
      for await (const piece of readRunLog(directory, pause)) {
        printer.print(piece);
        if (stop.signal.aborted) break;
      }
      printer.end();
      return stop.signal.aborted ? EXIT.interrupted : EXIT.done;
    } finally {
      release();
    }
  },
};

/** Of a task its newest run. */
const runOf = async (
  port: ConductorPort,
  prefix: string,
): Promise<{ readonly runId: string; readonly isFinal: boolean }> => {
  const { id, kind, shown } = await resolvePrefix(port, prefix);
  if (shown.kind === 'run') return { runId: id, isFinal: isEnded(shown.item) };
  if (shown.kind !== 'task') throw usageError(`${id} is a ${kind}; runs and tasks have logs`);
  const { runId } = shown.item;
  const run = shown.runs?.find((one) => one.runId === runId);
  if (runId !== null) return { runId, isFinal: run !== undefined && isEnded(run) };
  throw new ConductorError('not_found', `${id} has had no run yet`, { details: { taskId: id } });
};

const isEnded = (run: RunItem): boolean => run.endedAt !== null;

const untilFinal = (
  context: CommandContext,
  first: ConductorPort,
  { runId, signal }: { readonly runId: string; readonly signal: AbortSignal },
): (() => Promise<boolean>) => {
  let port = first;
  let looks = 0;
  return async () => {
    await new Promise<void>((resolve) => void context.io.after(LOOK_MS, resolve));
    if (signal.aborted) return false;
    looks += 1;
    if (looks % ASK_EVERY !== 0) return true;
    try {
      const { run } = (await port.call('conductor_get_run', { runId })).details as { readonly run: RunItem };
      return !isEnded(run);
    } catch (error) {
      if (!isConductorError(error)) throw error;
      // The supervisor is gone; the run goes on, and the store says how it stands.
      port = await context.openPort('read');
      return true;
    }
  };
};

const printRecording = async ({ io }: CommandContext, directory: string, runId: string): Promise<number> => {
  const path = join(directory, RUN_FILES.recording);
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new ConductorError(
      'not_found',
      `${runId} has no recording: only runs with a terminal (pty, viewer) have one`,
      {
        details: { runId },
        cause,
      },
    );
  });
  io.stdout.write(bytes);
  return EXIT.done;
};

type Printer = { print(piece: LogPiece): void; end(): void };

const printerFor = ({ context, options }: CommandCall): Printer => {
  if (context.json) return jsonPrinter(context);
  const { stdout } = context.io;
  if (flagOf(options, 'raw') || !stdout.isTerminal) return { print: ({ bytes }) => stdout.write(bytes), end: () => {} };
  const filter = new TerminalFilter();
  return {
    print: ({ bytes }) => stdout.write(filter.push(bytes)),
    // A colour that was never turned off ends with the log.
    end: () => stdout.write(`${filter.end()}\u001b[0m`),
  };
};

/** Lines of each stream by themselves; one that begins before another stream speaks keeps its own time. */
const jsonPrinter = ({ report }: CommandContext): Printer => {
  const open = new Map<string, { at: number; text: string; readonly decoder: StringDecoder }>();
  return {
    print: ({ at, stream, bytes }) => {
      const line = open.get(stream) ?? { at, text: '', decoder: new StringDecoder('utf8') };
      open.set(stream, line);
      if (line.text === '') line.at = at;
      const parts = (line.text + line.decoder.write(bytes)).split('\n');
      line.text = parts.pop() ?? '';
      for (const [index, text] of parts.entries()) {
        report.item({ at: index === 0 ? line.at : at, stream, text: text.replace(/\r$/, '') });
      }
      if (parts.length > 0) line.at = at;
    },
    end: () => {
      for (const [stream, { at, text }] of open) if (text !== '') report.item({ at, stream, text });
    },
  };
};
