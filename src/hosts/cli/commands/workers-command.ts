/**
 * `workers`: the places to work, and their care: `recover` makes a broken worktree whole, `cleanup` removes worktrees after putting
 * aside what was not committed. Branches stay.
 */
import { isConductorError } from '../../../machines/errors.ts';
import type { WorkerItem } from '../../../operations/read-models/item-schemas.ts';
import type { CommandCall, CommandContext, CommandDefinition } from '../command-definition.ts';
import type { ConductorPort } from '../conductor-port.ts';
import { EXIT, exitCodeOf } from '../exit-codes.ts';
import { resolvePrefix } from '../operation-calls.ts';
import { textOf } from '../option-values.ts';
import { oneLine } from '../output/text-width.ts';
import { plural } from '../output/time-text.ts';
import { usageError } from '../usage-error.ts';
import { needKind } from './id-arguments.ts';
import { printList, stateCell } from './list-commands.ts';
import { FILTER_OPTIONS, PAGE_OPTIONS } from './list-options.ts';
import { findWorkers, settledWorker, workerIdOf } from './worker-argument.ts';

const recoverCommand: CommandDefinition = {
  name: 'recover',
  summary: 'make the worktree of a broken worker whole again',
  arguments: [{ name: '<worker>', description: 'its name, or its id', completes: ['worker'] }],
  examples: ['conductor workers recover builder'],
  run: async ({ context, args }) => {
    const port = await context.openPort('start');
    const workerId = await workerIdOf(port, args[0] ?? '');
    await port.call('conductor_recover_worker', { workerId });
    const worker = await settledWorker(context, port, workerId);
    context.report.result(worker, () => [
      worker.state === 'broken'
        ? `${workerId} is still broken: ${oneLine(worker.reason ?? 'no reason is known')}`
        : `${workerId} is ${worker.state}: ${worker.worktreePath}`,
    ]);
    return worker.state === 'broken' ? EXIT.refused : EXIT.done;
  },
};

const cleanupCommand: CommandDefinition = {
  name: 'cleanup',
  summary: 'remove worktrees; what is not committed is put aside, branches stay',
  arguments: [{ name: '[worker]', description: 'its name, or its id', completes: ['worker'] }],
  options: [{ flags: '--objective <id>', description: 'all workers of this objective that are not busy' }],
  notes: 'What was put aside comes back with conductor restore. Unfinished work needs a gate that a person approves.',
  examples: ['conductor workers cleanup builder', 'conductor workers cleanup --objective objective-01k'],
  run: async ({ context, args, options }) => {
    const objective = textOf(options, 'objective');
    if ((objective === null) === (args[0] === undefined)) {
      throw usageError('name one worker, or an objective with --objective');
    }
    const port = await context.openPort('start');
    if (objective === null) return cleanAll(context, port, [await workerIdOf(port, args[0] ?? '')]);
    const objectiveId = needKind(await resolvePrefix(port, objective), 'objective');
    const idle = (await findWorkers(port, { objectiveId })).filter(
      ({ state }) => state === 'idle' || state === 'broken',
    );
    return cleanAll(
      context,
      port,
      idle.map(({ workerId }) => workerId),
    );
  },
};

export const workersCommand: CommandDefinition = {
  name: 'workers',
  summary: 'list workers; recover or clean up one',
  options: [FILTER_OPTIONS.state, FILTER_OPTIONS.objective, ...PAGE_OPTIONS],
  examples: ['conductor workers --state broken', 'conductor workers cleanup --objective objective-01k'],
  subcommands: [recoverCommand, cleanupCommand],
  run: (call: CommandCall) =>
    printList<WorkerItem>(call, {
      kind: 'worker',
      head: ['ID', 'STATE', 'NAME', 'BRANCH', 'WORKTREE'],
      row: (item, { style }) => [
        { text: item.workerId },
        stateCell(item.state, style),
        { text: item.name ?? '-' },
        { text: item.branch },
        { text: item.worktreePath, tone: 'faint' },
      ],
    }),
};

type Cleaned = {
  readonly workerId: string;
  readonly state: string | null;
  readonly text: string;
  readonly exitCode: number;
};

/** One that is held or busy does not keep the others. */
const cleanAll = async (
  context: CommandContext,
  port: ConductorPort,
  workerIds: readonly string[],
): Promise<number> => {
  const cleaned: Cleaned[] = [];
  for (const workerId of workerIds) cleaned.push(await cleanOne(context, port, workerId));
  const removed = cleaned.filter(({ state }) => state === 'archived').length;
  const workers = cleaned.map(({ workerId, state, text }) => ({ workerId, state, text }));
  context.report.result({ workers, removed }, () => [
    ...cleaned.map(({ text }) => text),
    `${plural(removed, 'worktree')} removed`,
  ]);
  return Math.max(EXIT.done, ...cleaned.map(({ exitCode }) => exitCode));
};

const cleanOne = async (context: CommandContext, port: ConductorPort, workerId: string): Promise<Cleaned> => {
  try {
    const { content, details } = await port.call('conductor_cleanup_worker', { workerId });
    const { changed, gateId } = details as { readonly changed: boolean; readonly gateId: string | null };
    if (!changed && gateId !== null) {
      const text = `${content.map((part) => part.text).join(' ')}\n    conductor gate approve ${gateId}`;
      return { workerId, state: null, text, exitCode: EXIT.refused };
    }
    const worker = await settledWorker(context, port, workerId);
    const isGone = worker.state === 'archived';
    return { workerId, state: worker.state, text: keptText(worker), exitCode: isGone ? EXIT.done : EXIT.refused };
  } catch (error) {
    if (!isConductorError(error)) throw error;
    return { workerId, state: null, text: `${workerId}: ${oneLine(error.message)}`, exitCode: exitCodeOf(error.code) };
  }
};

/** What is left of it, a line each: branches have up to 255 characters. */
const keptText = ({ workerId, state, branch, rescueRef }: WorkerItem): string =>
  [
    `${workerId} is ${state}; its branch stays:`,
    `    git log ${oneLine(branch)}`,
    ...(rescueRef === null ? [] : ['    what was not committed:', `    conductor restore ${workerId}`]),
  ].join('\n');
