/** `show`: one thing with everything that belongs to it. */
import type { CommandDefinition } from '../command-definition.ts';
import { EXIT } from '../exit-codes.ts';
import { showById } from '../operation-calls.ts';
import type { EventItem } from '../../../operations/read-models/item-schemas.ts';
import type { Shown } from '../../../operations/read-models/show.ts';
import { stateMark, type Style } from '../output/style.ts';
import { firstText } from '../output/text-fields.ts';
import { fitText, oneLine } from '../output/text-width.ts';
import { dateText } from '../output/time-text.ts';
import { eventText } from './event-text.ts';

/** Newest events shown; `events` shows them all. */
const EVENTS_SHOWN = 12;

export const showCommand: CommandDefinition = {
  name: 'show',
  summary: 'show one thing with all that belongs to it',
  arguments: [
    {
      name: '<id>',
      description: 'an id, or enough of its beginning',
      completes: ['task', 'run', 'gate', 'objective', 'worker', 'artifact'],
    },
  ],
  examples: ['conductor show task-01kb2', 'conductor show run-01kb2 --json'],
  run: async ({ context, args }) => {
    const port = await context.openPort('read');
    const shown = await showById(port, args[0] ?? '');
    context.report.result(shown, () => showLines(shown, context.report));
    return EXIT.done;
  },
};

type Look = { readonly style: Style; readonly columns: number };

export const showLines = (shown: Shown, { style, columns }: Look): string[] => {
  const item = shown.item as unknown as Readonly<Record<string, unknown>>;
  const lines = Object.entries(item).flatMap(([key, value]) => {
    const text = valueText(key, value);
    return text === null ? [] : [`${style.paint('faint', key.padEnd(20))}${fitText(text, Math.max(20, columns - 20))}`];
  });
  const related = (['tasks', 'runs', 'gates', 'artifacts'] as const).flatMap((name) =>
    relatedLines(name, (shown as unknown as Readonly<Record<string, unknown>>)[name], { style, columns }),
  );
  return [...lines, ...related, ...eventLines(shown.events, { style, columns })];
};

/** @returns null for what says nothing: absent, empty. */
const valueText = (key: string, value: unknown): string | null => {
  if (value === null || value === undefined || value === '') return null;
  if (typeof value === 'number' && /At$|notBefore/.test(key)) return dateText(value);
  if (typeof value === 'object') {
    const entries = Object.entries(value).filter(([, one]) => one !== 0 && one !== null);
    return entries.length === 0
      ? null
      : entries
          .map(([name, one]) => `${name} ${oneLine(typeof one === 'string' ? one : JSON.stringify(one))}`)
          .join(', ');
  }
  return oneLine(String(value as string | number | boolean));
};

const relatedLines = (name: string, given: unknown, { style, columns }: Look): string[] => {
  if (!Array.isArray(given) || given.length === 0) return [];
  const lines = (given as readonly Readonly<Record<string, unknown>>[]).map((item) => {
    const id = String(item[`${name.slice(0, -1)}Id`]);
    const state = firstText(item, ['state', 'status', 'type']);
    const says = firstText(item, ['title', 'ask', 'reason', 'name']);
    const { tone, symbol } = stateMark(state, style);
    const rest = Math.max(10, columns - id.length - state.length - 8);
    return `  ${style.paint(tone, symbol)} ${id}  ${state}  ${fitText(oneLine(says), rest)}`.trimEnd();
  });
  return ['', name, ...lines];
};

const eventLines = (events: readonly EventItem[], { style, columns }: Look): string[] =>
  events.length === 0
    ? []
    : [
        '',
        'events',
        ...events
          .slice(-EVENTS_SHOWN)
          .map((event) => `  ${fitText(eventText(event, style), Math.max(20, columns - 2))}`),
      ];
