/** `events`: the journal, oldest first; `-f` follows it, of a run until that is final. */
import { isConductorError } from '../../../machines/errors.ts';
import type { JournalEntry } from '../../../persistence/store.ts';
import type { EventItem } from '../../../operations/read-models/item-schemas.ts';
import type { CommandCall, CommandDefinition } from '../command-definition.ts';
import type { ConductorPort } from '../conductor-port.ts';
import { EXIT } from '../exit-codes.ts';
import { listPage, resolvePrefix } from '../operation-calls.ts';
import { flagOf, textOf } from '../option-values.ts';
import { fitText } from '../output/text-width.ts';
import { countText } from '../output/time-text.ts';
import { usageError } from '../usage-error.ts';
import { eventText } from './event-text.ts';
import { FILTER_OPTIONS, listParams, PAGE_OPTIONS } from './list-options.ts';

/** Entries shown before following begins, unless --after says where. */
const TAIL_DEFAULT = 10;
/** Pause between two looks at a store that no supervisor writes to, in ms. */
const LOOK_MS = 1_000;
const FINALS: readonly string[] = [
  'succeeded',
  'partial',
  'blocked',
  'failed',
  'aborted',
  'stale',
  'interrupted',
  'unknown_dispatch',
];

export const eventsCommand: CommandDefinition = {
  name: 'events',
  summary: 'list what happened, or follow it',
  options: [
    { flags: '-f, --follow', description: 'go on with what happens; with --run until that run is final' },
    FILTER_OPTIONS.objective,
    FILTER_OPTIONS.task,
    FILTER_OPTIONS.run,
    { flags: '--type <type>', description: 'only events of this type, as run.cancel' },
    ...PAGE_OPTIONS,
  ],
  notes: 'Oldest first after a cursor; without one the newest page.\n--json prints a page, with -f one entry a line.',
  examples: ['conductor events --task task-01k', 'conductor events -f --run run-01k'],
  run: async (call) => (flagOf(call.options, 'follow') ? follow(call) : list(call)),
};

const list = async ({ context, options }: CommandCall): Promise<number> => {
  const port = await context.openPort('read');
  const params = { ...(await listParams(port, options)), ...(textOf(options, 'after') === null ? { tail: true } : {}) };
  const page = await listPage<EventItem>(port, 'event', params);
  context.report.result(page, () => {
    const lines = page.items.map((item) => fitText(eventText(item, context.report.style), context.report.columns));
    return lines.length === 0
      ? ['no events']
      : [...lines, `${countText(lines.length)} shown; more: --after ${page.nextCursor ?? ''}`];
  });
  return EXIT.done;
};

const follow = async ({ context, options }: CommandCall): Promise<number> => {
  if (textOf(options, 'after') !== null) throw usageError('-f begins with the newest events: leave --after out');
  const stop = new AbortController();
  const release = context.io.onSignal('SIGINT', () => stop.abort());
  try {
    let port = await context.openPort('read');
    const filter = await listParams(port, options);
    const page = await listPage<EventItem>(port, 'event', { limit: TAIL_DEFAULT, ...filter, tail: true });
    for (const item of page.items) print(context, item);
    let lastSeq = page.items.at(-1)?.seq ?? 0;
    const runId = typeof filter['runId'] === 'string' ? filter['runId'] : null;
    if (runId !== null && (await isFinal(port, runId))) return EXIT.done;
    const take = (entry: JournalEntry): 'more' | 'over' => {
      lastSeq = entry.seq;
      if (!matches(entry, filter)) return 'more';
      print(context, entry as unknown as EventItem);
      return entry.actor === runId && FINALS.includes(entry.to ?? '') ? 'over' : 'more';
    };
    for (;;) {
      if ((await readOn(port, { after: lastSeq, signal: stop.signal }, take)) === 'over') return EXIT.done;
      if (stop.signal.aborted) return EXIT.interrupted;
      await pause(context, stop.signal);
      await port.close();
      port = await context.openPort('read');
    }
  } finally {
    release();
  }
};

/** Until `take` has had enough, the supervisor is gone, or the signal is aborted. */
const readOn = async (
  port: ConductorPort,
  from: { readonly after: number; readonly signal: AbortSignal },
  take: (entry: JournalEntry) => 'more' | 'over',
): Promise<'more' | 'over'> => {
  try {
    for await (const entry of port.subscribe(from)) if (take(entry) === 'over') return 'over';
  } catch (error) {
    // The supervisor is gone: the store is read until another one comes.
    if (!isConductorError(error)) throw error;
  }
  return 'more';
};

const matches = (entry: JournalEntry, filter: Readonly<Record<string, unknown>>): boolean =>
  (['objectiveId', 'taskId', 'runId'] as const).every(
    (name) => filter[name] === undefined || entry[name] === filter[name],
  ) &&
  (filter['type'] === undefined || entry.event.type === filter['type']);

const print = ({ report }: CommandCall['context'], item: EventItem): void => {
  if (report.json) report.item(item);
  else report.line(fitText(eventText(item, report.style), report.columns));
};

const isFinal = async (port: ConductorPort, runId: string): Promise<boolean> => {
  const { shown } = await resolvePrefix(port, runId);
  return shown.kind === 'run' && FINALS.includes(shown.item.status);
};

const pause = ({ io }: CommandCall['context'], signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const cancel = io.after(LOOK_MS, resolve);
    signal.addEventListener(
      'abort',
      () => {
        cancel();
        resolve();
      },
      { once: true },
    );
  });
