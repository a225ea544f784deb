/**
 * `run`: a plan file, or one program. Posts it, then shows it until nothing can move without a person.
 *
 * R1. An invalid plan is refused here, before anything is started: `file:line:col`, exit code 2.
 * R2. The end says what to look at, what to decide, and how to remove what is left.
 */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Plan } from '../../../operations/plan/plan.ts';
import type { CommandCall, CommandContext, CommandDefinition, OptionDefinition } from '../command-definition.ts';
import type { ConductorPort } from '../conductor-port.ts';
import { EXIT } from '../exit-codes.ts';
import { showUntilRest } from '../live/live-run.ts';
import { exitCodeOfView, ObjectiveView } from '../live/objective-view.ts';
import { closingLines, summaryOf } from '../live/run-summary.ts';
import { flagOf, listOf, textOf } from '../option-values.ts';
import { plural } from '../output/time-text.ts';
import { usageError } from '../usage-error.ts';
import type { EventItem } from '../../../operations/read-models/item-schemas.ts';
import { listPage } from '../operation-calls.ts';

const WEEK_MS = 604_800_000;

/** Options of `run … -- PROGRAM`; each is the plan's key of the same meaning. */
const PROGRAM_OPTIONS: readonly OptionDefinition[] = [
  { flags: '--title <title>', description: 'of the objective and its task' },
  { flags: '--prompt <text>', description: 'what shall be done; @FILE reads a file' },
  { flags: '--verify <command>', description: 'proves the result; may be repeated', repeatable: true },
  { flags: '--setup <command>', description: 'prepares the worktree; may be repeated', repeatable: true },
  { flags: '--completion <kind>', description: 'how it says that it is done', choices: ['explicit', 'exit-code'] },
  { flags: '--worker <name>', description: 'use this worker alone' },
  { flags: '--base <commit>', description: 'where it starts (default: HEAD)' },
  { flags: '--scope <path>', description: 'may change only this; may be repeated', repeatable: true },
  { flags: '--attempts <n>', description: 'the first attempt counts (default: 1)', range: { min: 1, max: 100 } },
  { flags: '--timeout <ms>', description: 'longest run; 0 = off', range: { min: 0, max: WEEK_MS } },
  { flags: '--idle <ms>', description: 'longest silence; 0 = off', range: { min: 0, max: WEEK_MS } },
  { flags: '--env <name=value>', description: 'a variable of its environment; may be repeated', repeatable: true },
  {
    flags: '--mode <mode>',
    description: 'where its output goes',
    choices: ['headless', 'pty', 'viewer', 'tmux', 'iterm-tmux'],
  },
];

type Accepted = {
  readonly objectiveId: string;
  readonly tasks: Readonly<Record<string, string>>;
  readonly uncommittedFiles: number;
  readonly notInForce: readonly { readonly key: string; readonly why: string }[];
};

export const runCommand: CommandDefinition = {
  name: 'run',
  summary: 'run a plan, or one program, and show it until it rests',
  arguments: [{ name: '[plan]', description: 'a plan file, or - for stdin', completes: ['file'] }],
  options: [{ flags: '-d, --detach', description: 'return as soon as the work is accepted' }, ...PROGRAM_OPTIONS],
  takesProgram: true,
  notes:
    'Options other than --detach are for a program after --.\n' +
    'Ctrl-C cancels in order, a second one kills.\n' +
    'Exit: 0 all completed, 1 something failed, 2 usage, 3 a person is asked,\n4 trouble, 130 Ctrl-C.',
  examples: [
    'conductor run plan.yaml',
    'conductor run --title "unit tests" --timeout 600000 -- npm test',
    'conductor run --detach --json plan.yaml',
  ],
  run: async (call) => {
    const source = await readSource(call);
    const { context, options } = call;
    const port = await context.openPort('start');
    const { details } = await port.call(
      'conductor_run_plan',
      source.params,
      // One intent, one id: an answer that got lost is asked for again without a second objective.
      { requestId: randomUUID() },
    );
    const accepted = details as Accepted;
    tellWarnings(context, accepted);
    if (flagOf(options, 'detach')) {
      context.report.result({ objectiveId: accepted.objectiveId, tasks: accepted.tasks }, () =>
        detachedLines(accepted),
      );
      return EXIT.done;
    }
    return showRun(context, port, { accepted, plan: source.plan });
  },
};

type Source = { readonly params: Readonly<Record<string, unknown>>; readonly plan: Plan };

/** R1. */
const readSource = async ({ context, args, options, program }: CommandCall): Promise<Source> => {
  const [file] = args;
  if (program !== null && file !== undefined) throw usageError('give a plan or a program after --, not both');
  if (program === null && file === undefined) {
    throw usageError('give a plan file, or a program: conductor run --title "unit tests" -- npm test');
  }
  const { parsePlan, parsePlanValue } = await import('../../../operations/plan/plan-file.ts');
  if (program !== null) {
    const value = await programPlan(context, options, program);
    return { params: { plan: value, file: 'run' }, plan: parsePlanValue(value, 'run') };
  }
  for (const name of PROGRAM_OPTIONS.map(({ flags }) => /--([a-z]+)/.exec(flags)![1]!)) {
    if (options[name] !== undefined)
      throw usageError(`--${name} is for a program after --; in a plan it stands in the file`);
  }
  const name = file === '-' ? 'stdin' : file!;
  const text =
    file === '-' ? await context.io.stdin.readAll() : await readPlanFile(resolve(context.io.cwd, file!), file!);
  return { params: { text, file: name }, plan: parsePlan(text, name) };
};

const readPlanFile = async (path: string, shown: string): Promise<string> => {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const { code = 'unreadable' } = error as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'it is a directory' : code;
    throw usageError(`${shown}: ${why}`, { file: shown });
  }
};

const programPlan = async (
  { io }: CommandContext,
  options: CommandCall['options'],
  program: readonly string[],
): Promise<Readonly<Record<string, unknown>>> => {
  const title = textOf(options, 'title') ?? program.join(' ').slice(0, 200).trim();
  const prompt = textOf(options, 'prompt');
  const env = Object.fromEntries(listOf(options, 'env').map(variableOf));
  const task = {
    id: 'main',
    title,
    run: program,
    completion: options['completion'] ?? 'exit-code',
    prompt: prompt?.startsWith('@') === true ? await readPlanFile(resolve(io.cwd, prompt.slice(1)), prompt) : prompt,
    verify: someOf(listOf(options, 'verify')),
    writeScope: someOf(listOf(options, 'scope')),
    workerName: options['worker'],
    base: options['base'],
    retry: options['attempts'] === undefined ? undefined : { maxAttempts: options['attempts'] },
    timeoutMs: options['timeout'],
    idleMs: options['idle'],
    env: Object.keys(env).length === 0 ? undefined : env,
    runtimeMode: options['mode'],
  };
  return given({ objective: title, setup: someOf(listOf(options, 'setup')), tasks: [given(task)] });
};

const variableOf = (text: string): readonly [string, string] => {
  const cut = text.indexOf('=');
  if (cut <= 0) throw usageError(`--env ${text}: it must be NAME=VALUE`);
  return [text.slice(0, cut), text.slice(cut + 1)];
};

const someOf = (list: readonly string[]): readonly string[] | undefined => (list.length === 0 ? undefined : list);

const given = (fields: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== null));

const tellWarnings = ({ report }: CommandContext, { uncommittedFiles, notInForce }: Accepted): void => {
  if (uncommittedFiles > 0) {
    report.note(
      `${plural(uncommittedFiles, 'uncommitted file')} of this checkout ${uncommittedFiles === 1 ? 'is' : 'are'} in no worktree`,
    );
  }
  for (const { key, why } of notInForce) report.note(`not in force: ${key}: ${why}`);
};

const detachedLines = ({ objectiveId, tasks }: Accepted): string[] => [
  `${objectiveId} with ${plural(Object.keys(tasks).length, 'task')} is accepted`,
  `    conductor tasks --objective ${objectiveId}`,
  `    conductor cancel ${objectiveId}`,
];

const showRun = async (
  context: CommandContext,
  port: ConductorPort,
  { accepted, plan }: { readonly accepted: Accepted; readonly plan: Plan },
): Promise<number> => {
  const { objectiveId } = accepted;
  const first = await listPage<EventItem>(port, 'event', { objectiveId, limit: 1 });
  const dependencies = new Map(plan.tasks.map(({ id, dependsOn }) => [id, dependsOn.map((one) => one.id)]));
  const view = new ObjectiveView(objectiveId, (first.items[0]?.seq ?? 1) - 1, dependencies);
  context.report.note(`${objectiveId}  ${plural(plan.tasks.length, 'task')}`);
  const end = await showUntilRest(context, port, view);
  if (end.detached) {
    context.report.note(`detached; the work goes on: conductor tasks --objective ${objectiveId}`);
    return end.exitCode;
  }
  const exitCode = end.exitCode === EXIT.interrupted ? end.exitCode : exitCodeOfView(view);
  context.report.result(summaryOf(view, exitCode), () =>
    closingLines(view, context.report.style, context.report.columns),
  );
  return exitCode;
};
