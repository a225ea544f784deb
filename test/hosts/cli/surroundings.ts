/** A terminal, a clock and a project that a test holds in its hands. */
import { Compile } from 'typebox/compile';
import { catalogue } from '../../../src/operations/catalogue.ts';
import { ConductorError } from '../../../src/machines/errors.ts';
import type { JournalEntry } from '../../../src/persistence/store.ts';
import type { CliIo, CliOutput, CliSignal } from '../../../src/hosts/cli/cli-io.ts';
import type { LocalProject } from '../../../src/hosts/cli/command-definition.ts';
import type { CallOptions, ConductorPort, PortNeed } from '../../../src/hosts/cli/conductor-port.ts';
import { runCli } from '../../../src/hosts/cli/run-cli.ts';

/** 2026-11-20T12:00:00Z. */
export const NOW = 1_795_176_000_000;

export type Screen = CliOutput & { text: string; resizeTo(columns: number, rows: number): void };

export const output = (isTerminal: boolean, columns = 80, rows = 24): Screen => {
  const listeners = new Set<() => void>();
  const size = { columns, rows };
  const screen: Screen = {
    isTerminal,
    get columns() {
      return size.columns;
    },
    get rows() {
      return size.rows;
    },
    text: '',
    write: (data) => {
      screen.text += typeof data === 'string' ? data : Buffer.from(data).toString('utf8');
    },
    flush: async () => {},
    onResize: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    resizeTo: (nextColumns, nextRows) => {
      size.columns = nextColumns;
      size.rows = nextRows;
      for (const listener of listeners) listener();
    },
  };
  return screen;
};

export type FakeIo = CliIo & {
  readonly stdout: Screen;
  readonly stderr: Screen;
  send(signal: CliSignal): void;
  press(bytes: Uint8Array): void;
};

export type IoOptions = {
  readonly terminal?: boolean;
  readonly columns?: number;
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
};

export const fakeIo = ({ terminal = false, columns = 80, input = '', env = {}, cwd = '/' }: IoOptions = {}): FakeIo => {
  const signals = new Map<CliSignal, Set<() => void>>();
  const keys = new Set<(bytes: Uint8Array) => void>();
  const lines = input.split('\n');
  return {
    stdout: output(terminal, columns),
    stderr: output(terminal, columns),
    stdin: {
      isTerminal: terminal,
      readAll: async () => input,
      readLine: async () => lines.shift() ?? null,
      readKeys: (listener) => {
        keys.add(listener);
        return () => keys.delete(listener);
      },
    },
    env: { LANG: 'C.UTF-8', ...env },
    cwd,
    now: () => NOW,
    // Real time, so that what waits for a quiet moment finds one; nothing in a test depends on how long it was.
    after: (ms, run) => {
      const timer = setTimeout(run, Math.min(ms, 5));
      return () => clearTimeout(timer);
    },
    onSignal: (signal, listener) => {
      const listeners = signals.get(signal) ?? new Set();
      signals.set(signal, listeners.add(listener));
      return () => listeners.delete(listener);
    },
    send: (signal) => signals.get(signal)?.forEach((listener) => listener()),
    press: (bytes) => keys.forEach((listener) => listener(bytes)),
  };
};

export type Call = { readonly operation: string; readonly params: unknown; readonly options: CallOptions };

export type FakeProject = {
  /** Details by operation; a function gets the parameters and may throw. */
  readonly answers?: Readonly<Record<string, unknown>>;
  /** What a subscription sends; it then waits, or ends when it is the last list of several. */
  readonly journal?: readonly (readonly JournalEntry[])[];
  readonly local?: Partial<LocalProject>;
  readonly openError?: ConductorError;
  /** Of the project; only commands that read files look there. */
  readonly home?: string;
};

export type Ran = {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
  readonly calls: readonly Call[];
  readonly opened: readonly PortNeed[];
};

const SUPERVISOR = {
  identity: { hostId: 'host', bootId: 'boot', pid: 4242, startTicks: '7' },
  startedAt: NOW - 61_000,
  version: '1.2.3',
  socket: '/run/conductor/p.1.sock',
};

/** Runs the command line as a user would, against a project that answers from a table. */
export const conductor = async (
  argv: readonly string[],
  project: FakeProject = {},
  io: FakeIo = fakeIo(),
): Promise<Ran> => {
  const calls: Call[] = [];
  const opened: PortNeed[] = [];
  const exitCode = await runCli(argv, {
    io,
    version: '1.2.3',
    opener: {
      open: async (_repo, need) => {
        opened.push(need);
        if (project.openError !== undefined) throw project.openError;
        return portOf(project, calls, opened.length);
      },
    },
    local: { ...emptyLocal, ...project.local },
  });
  return { exitCode, out: io.stdout.text, err: io.stderr.text, calls, opened };
};

const emptyLocal: LocalProject = {
  child: async () => 0,
  start: async () => ({ started: true }),
  stop: async () => ({ stopped: false, pid: null }),
  inspectorLink: async () => ({ url: 'http://127.0.0.1:4000/#link=secret', file: null, started: false }),
  openBrowser: async () => false,
  runningVersion: async () => null,
};

const portOf = (project: FakeProject, calls: Call[], number: number): ConductorPort => ({
  call: async (operation, params, options = {}) => {
    checkParams(operation, params);
    calls.push({ operation, params, options });
    const answer = project.answers?.[operation];
    if (answer === undefined) throw new ConductorError('not_found', `no answer for ${operation}`);
    const details = typeof answer === 'function' ? (answer as (given: unknown) => unknown)(params) : answer;
    return { content: [{ type: 'text', text: `${operation} is done` }], details };
  },
  subscribe: ({ after, signal }) => entries(project.journal ?? [], { number, after, signal }),
  facts: () => ({
    supervisor: SUPERVISOR,
    project: { key: 'p-1', repoRoot: '/srv/p', home: project.home ?? '/home/p-1' },
  }),
  close: async () => {},
});

/** A call that the real operation would refuse must not pass here. */
const checkParams = (operation: string, params: unknown): void => {
  const known = catalogue.get(operation);
  if (known === undefined) throw new Error(`${operation} is no operation`);
  const check = Compile(known.params);
  if (check.Check(params)) return;
  const [first] = check.Errors(params);
  throw new Error(`${operation} refuses ${JSON.stringify(params)}: ${first?.message ?? 'wrong'}`);
};

async function* entries(
  journal: readonly (readonly JournalEntry[])[],
  {
    number,
    after,
    signal,
  }: { readonly number: number; readonly after: number; readonly signal?: AbortSignal | undefined },
): AsyncGenerator<JournalEntry> {
  const mine = journal[Math.min(number, journal.length) - 1] ?? [];
  for (const entry of mine) if (entry.seq > after) yield entry;
  if (number < journal.length) throw new ConductorError('supervisor_unreachable', 'gone', { retryable: true });
  if (signal === undefined || signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
