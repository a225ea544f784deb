/**
 * What a command is: its words for help and completion, and what it does. One file per command exports one of these.
 */
import type { CliIo } from './cli-io.ts';
import type { ConductorPort, PortNeed } from './conductor-port.ts';
import type { Report } from './output/report.ts';

export type OptionDefinition = {
  /** As commander reads it: `-f, --follow`, `--limit <n>`. */
  readonly flags: string;
  readonly description: string;
  /** Values it may have; commander refuses others. */
  readonly choices?: readonly string[];
  /** May be given several times; its value is a list. */
  readonly repeatable?: boolean;
  /** Whole number within these bounds, both included. */
  readonly range?: { readonly min: number; readonly max: number };
};

/** What ids an argument may be, for completion. `file`, `worker` and `operation` are no ids but complete too. */
export type Completes = 'objective' | 'task' | 'run' | 'gate' | 'worker' | 'artifact' | 'file' | 'operation';

export type ArgumentDefinition = {
  /** `<id>` or `[id]`. */
  readonly name: string;
  readonly description: string;
  readonly completes?: readonly Completes[];
};

export type CommandDefinition = {
  readonly name: string;
  /** One line, a verb first, no full stop. */
  readonly summary: string;
  readonly arguments?: readonly ArgumentDefinition[];
  readonly options?: readonly OptionDefinition[];
  /** Lines for the end of `--help`, without the prompt. At least one, unless there are subcommands. */
  readonly examples: readonly string[];
  /** More of what `--help` says, before the examples. */
  readonly notes?: string;
  /** Takes `-- PROGRAM ARGS`; the words stand in `call.program`. */
  readonly takesProgram?: boolean;
  readonly subcommands?: readonly CommandDefinition[];
  /** @returns the exit code. Absent only where a subcommand must be named. */
  readonly run?: (call: CommandCall) => Promise<number>;
};

export type OptionValue = string | number | boolean | readonly string[] | undefined;

/** What every command is handed. */
export type CommandContext = {
  readonly io: CliIo;
  readonly version: string;
  /** The directory named by `--repo`, else where we are; absolute. */
  readonly repo: string;
  readonly json: boolean;
  readonly report: Report;
  /** Closed when the command ends. */
  openPort(need: PortNeed): Promise<ConductorPort>;
  /** Everything that is not an operation: files of a project, starting and stopping its supervisor. */
  readonly local: LocalProject;
};

export type CommandCall = {
  readonly context: CommandContext;
  /** Given arguments in order; what was left out is undefined. */
  readonly args: readonly (string | undefined)[];
  /** By long name in camel case. */
  readonly options: Readonly<Record<string, OptionValue>>;
  /** The words after the first `--`; null when there was none. */
  readonly program: readonly string[] | null;
};

/** What the command line does with a project beside operations; the composition root supplies it. */
export interface LocalProject {
  /**
   * A supervisor that stays.
   * @throws ConductorError whatever keeps it from starting.
   */
  start(repo: string, options: { readonly inspector: boolean }): Promise<{ readonly started: boolean }>;
  /**
   * An address that lets one browser into the inspector: once, within two minutes; `file`: with a page that leads there. Starts a
   * supervisor when none runs.
   * @throws ConductorError `not_permitted` without a terminal or inside a run; `invalid_state` when the inspector is off.
   */
  inspectorLink(
    repo: string,
    options: { readonly file: boolean },
  ): Promise<{ readonly url: string; readonly file: string | null; readonly started: boolean }>;
  /** Best effort. Others see this path. @returns whether the program that opens files on this machine took it. */
  openBrowser(file: string): Promise<boolean>;
  /**
   * Ends the running supervisor. `drain` waits for runs, `now` ends them, `keep` leaves them.
   * @param onProgress Gets lines for people: what is waited for.
   */
  stop(
    repo: string,
    request: {
      readonly runs: 'drain' | 'now' | 'keep';
      readonly onProgress: (line: string) => void;
      readonly signal: AbortSignal;
    },
  ): Promise<{ readonly stopped: boolean; readonly pid: number | null }>;
  /** Version of the running supervisor; null when none runs. */
  runningVersion(repo: string): Promise<string | null>;
  /** Becomes the program `child` with these words. @returns its exit code. */
  child(words: readonly string[]): Promise<number>;
}
