/** Reads the command line of `conductor child`. Pure; what is wrong with it comes back as a sentence. */
import type { CompletionStatus, ReportBody } from '../../supervisor/runners/protocol.ts';

export type ChildCommand =
  | { readonly kind: 'help' }
  | { readonly kind: 'wrong'; readonly message: string }
  | {
      readonly kind: 'report';
      readonly body: ReportBody;
      /** As written: paths are still relative to the working directory. */
      readonly files: readonly { readonly type: string; readonly path: string }[];
      /** Only for a gate: whether to wait for its answer, and how long in ms (null: without limit). */
      readonly wait: boolean;
      readonly waitMs: number | null;
    };

export const CHILD_USAGE = `conductor child: what a program says to the run that it works in

  conductor child progress TEXT [--artifact TYPE:PATH]... [--key K]
  conductor child gate --type needs_input|needs_review --ask TEXT [--wait [--timeout MS]]
  conductor child followup --title T [--key K] -- PROGRAM [ARGS...]
  conductor child complete succeeded|partial|blocked|failed|aborted --summary TEXT
                           [--artifact TYPE:PATH]... [--key K]       (also --status STATUS)

Prints {"applied": true | "stored" | false, "reason"?}; "stored" means that it is kept on disk
and that the supervisor is away. gate --wait prints the answer instead. The same --key counts once.

Exit codes: 0 applied or stored, or answered; 1 refused, too late, rejected, or no answer in time;
2 usage; 4 not inside a run, or its runner does not answer.
`;

const STATUSES: readonly CompletionStatus[] = ['succeeded', 'partial', 'blocked', 'failed', 'aborted'];
const GATE_TYPES = ['needs_input', 'needs_review'] as const;

/** Options of each command; true: takes a value. */
const OPTIONS: Readonly<Record<string, Readonly<Record<string, boolean>>>> = {
  progress: { artifact: true, key: true },
  gate: { type: true, ask: true, wait: false, timeout: true },
  followup: { title: true, key: true },
  complete: { status: true, summary: true, artifact: true, key: true },
};

type Read = {
  readonly words: readonly string[];
  readonly values: ReadonlyMap<string, readonly string[]>;
  /** What stands behind `--`; null when there is none. */
  readonly rest: readonly string[] | null;
};

export const parseChildArguments = (argv: readonly string[]): ChildCommand => {
  const [command, ...args] = argv;
  const split = args.indexOf('--');
  const own = split < 0 ? args : args.slice(0, split);
  if (command === undefined) return wrong('say what: progress, gate, followup or complete');
  if (command === '--help' || command === '-h' || command === 'help' || own.includes('--help')) return { kind: 'help' };
  const options = Object.hasOwn(OPTIONS, command) ? OPTIONS[command] : undefined;
  if (options === undefined) return wrong(`unknown command ${command}: progress, gate, followup or complete`);
  const read = readOptions(own, options);
  if (typeof read === 'string') return wrong(`${command}: ${read}`);
  return commandOf(command, { ...read, rest: split < 0 ? null : args.slice(split + 1) });
};

const readOptions = (
  args: readonly string[],
  options: Readonly<Record<string, boolean>>,
): Omit<Read, 'rest'> | string => {
  const words: string[] = [];
  const values = new Map<string, string[]>();
  const left = [...args];
  for (let arg = left.shift(); arg !== undefined; arg = left.shift()) {
    if (!arg.startsWith('--')) {
      words.push(arg);
      continue;
    }
    const [name, inline] = splitOnce(arg.slice(2), '=');
    if (!Object.hasOwn(options, name)) return `unknown option --${name}`;
    const value = options[name] === true ? (inline ?? left.shift()) : '';
    if (value === undefined) return `--${name} needs a value`;
    if (values.has(name) && name !== 'artifact') return `--${name} may be given once`;
    values.set(name, [...(values.get(name) ?? []), value]);
  }
  return { words, values };
};

const commandOf = (command: string, read: Read): ChildCommand => {
  const files = filesOf(read);
  if (typeof files === 'string') return wrong(`${command}: ${files}`);
  if (read.rest !== null && command !== 'followup') return wrong(`${command}: -- belongs to followup`);
  switch (command) {
    case 'progress':
      return progressOf(read, files);
    case 'gate':
      return gateOf(read);
    case 'followup':
      return followupOf(read);
    default:
      return completeOf(read, files);
  }
};

type Files = Extract<ChildCommand, { kind: 'report' }>['files'];

const progressOf = (read: Read, files: Files): ChildCommand => {
  const [text, ...more] = read.words;
  if (text === undefined || text.trim() === '' || more.length > 0) return wrong('progress: needs one TEXT; quote it');
  return report({ kind: 'child.progress', text, key: one(read, 'key'), artifacts: [] }, files);
};

const gateOf = (read: Read): ChildCommand => {
  const gateType = GATE_TYPES.find((type) => type === one(read, 'type'));
  const ask = one(read, 'ask') ?? '';
  const wait = read.values.has('wait');
  const timeout = one(read, 'timeout');
  if (gateType === undefined) return wrong('gate: --type must be needs_input or needs_review');
  if (ask.trim() === '' || read.words.length > 0) return wrong('gate: needs --ask TEXT; quote it');
  if (timeout !== null && (!wait || !/^\d{1,10}$/.test(timeout))) return wrong('gate: --timeout MS belongs to --wait');
  const body: ReportBody = { kind: 'child.gate', gateType, ask, wait };
  return { kind: 'report', body, files: [], wait, waitMs: timeout === null ? null : Number(timeout) };
};

const followupOf = (read: Read): ChildCommand => {
  const title = one(read, 'title') ?? '';
  if (title.trim() === '' || read.words.length > 0) return wrong('followup: needs --title T; quote it');
  if (read.rest === null || read.rest.length === 0) return wrong('followup: needs -- PROGRAM [ARGS...]');
  return report({ kind: 'child.followup', title, command: read.rest, key: one(read, 'key') }, []);
};

const completeOf = (read: Read, files: Files): ChildCommand => {
  const named = [...read.words, ...(read.values.get('status') ?? [])];
  const status = STATUSES.find((candidate) => candidate === named[0]);
  const summary = one(read, 'summary') ?? '';
  if (status === undefined || named.length !== 1) return wrong(`complete: needs one of ${STATUSES.join(', ')}`);
  if (summary.trim() === '') return wrong('complete: needs --summary TEXT; quote it');
  return report({ kind: 'child.complete', status, summary, key: one(read, 'key'), artifacts: [] }, files);
};

const filesOf = ({ values }: Read): Files | string => {
  const files = (values.get('artifact') ?? []).map((text) => splitOnce(text, ':'));
  const bad = files.find(([type, path]) => type === '' || path === undefined || path === '');
  if (bad !== undefined) return '--artifact must be TYPE:PATH, as in report:out/summary.md';
  return files.map(([type, path]) => ({ type, path: path! }));
};

const splitOnce = (text: string, separator: string): [string, string | undefined] => {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
};

const one = ({ values }: Read, name: string): string | null => values.get(name)?.[0] ?? null;

const report = (body: ReportBody, files: Files): ChildCommand => ({
  kind: 'report',
  body,
  files,
  wait: false,
  waitMs: null,
});

const wrong = (message: string): ChildCommand => ({ kind: 'wrong', message });
