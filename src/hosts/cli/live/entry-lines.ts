/**
 * A journal entry as one line for people who read a log: what `run` prints where there is no terminal.
 * Most entries are steps inside and give no line.
 */
import { quoted } from '../../../operations/read-models/lines.ts';
import type { JournalEntry } from '../../../persistence/store.ts';
import { firstText } from '../output/text-fields.ts';
import { oneLine } from '../output/text-width.ts';
import { clockText } from '../output/time-text.ts';
import { gateCommands } from './run-summary.ts';
import { nameOf, wordsOfTask, type ObjectiveView, type Seen } from './objective-view.ts';

/** Run states that say more than the task's `running`. */
const TELLING_RUN_STATES: readonly string[] = ['waiting_input', 'verifying'];

/** States of an objective that it is told to have come to. */
const ENDS: readonly string[] = ['completed', 'canceled'];

/** @returns null for an entry that says nothing to people. The view has the entry already. */
export const entryLine = (view: ObjectiveView, entry: JournalEntry): string | null => {
  const says = saysOf(view, entry);
  return says === null ? null : `${clockText(entry.at)}  ${says}`;
};

const saysOf = (view: ObjectiveView, entry: JournalEntry): string | null => {
  if (entry.kind !== 'transition') return null;
  switch (entry.machine) {
    case 'task':
      return taskSays(view, entry);
    case 'run':
      return runSays(view, entry);
    case 'gate':
      return gateSays(view, entry);
    case 'objective':
      // Within one decision it may pass through other states; its end does not.
      return entry.from !== entry.to && ENDS.includes(entry.to ?? '') ? `objective  ${entry.to ?? ''}` : null;
    default:
      return null;
  }
};

const taskSays = (view: ObjectiveView, { actor, event, from, to }: JournalEntry): string | null => {
  const task = view.task(actor);
  if (task === null) return null;
  const name = oneLine(nameOf(task));
  if (event.type === 'task.progressed') return `${name}  ${oneLine(quoted(firstText(event, ['text'])))}`;
  const state = to ?? '';
  if (from === null) return `${name}  ${task.context.bucket === 'waiting' ? 'waiting for its dependencies' : state}`;
  const isRetry = event.type === 'task.runEnded' && to === 'ready';
  if (from === to && !isRetry) return null;
  return `${name}  ${isRetry ? 'will be tried again' : state}${reasonOf(task)}`;
};

/** What a person wants to know beside the state: the commit of what is done, else why. */
const reasonOf = (task: Seen<'task'>): string => {
  const why = task.state === 'completed' ? (task.context.commit ?? '').slice(0, 10) : wordsOfTask(task);
  return why === '' ? '' : `  ${why}`;
};

const runSays = (view: ObjectiveView, { from, to, taskId, event }: JournalEntry): string | null => {
  const task = view.task(taskId);
  const name = task === null ? (taskId ?? '') : oneLine(nameOf(task));
  if (event.type === 'limit.warned') return `${name}  warning: close to its ${String(event['limit'])} limit`;
  if (from !== to && TELLING_RUN_STATES.includes(to ?? '')) return `${name}  ${to ?? ''}`;
  return null;
};

const gateSays = (view: ObjectiveView, { actor, from, to, taskId }: JournalEntry): string | null => {
  const gate = view.gates.find(({ id }) => id === actor);
  if (gate === undefined) return null;
  const task = view.task(taskId);
  const of = task === null ? '' : `${oneLine(nameOf(task))}  `;
  if (from === null) return `${of}${gate.context.gateType}: ${oneLine(gate.context.ask)}  → ${gateCommands(gate)[0]!}`;
  return from === to ? null : `${of}gate ${to ?? ''}`;
};
