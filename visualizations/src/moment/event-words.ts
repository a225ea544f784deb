/** A journal entry in words, and whether it is one that a person jumps to. */
import type { FeedEntry } from '../../../src/hosts/inspector/protocol.ts';

export type EventWords = {
  /** The event's name as its machine knows it. */
  readonly event: string;
  /** `ready → running`, `created`, or null when the state stayed. */
  readonly change: string | null;
  /** What somebody wrote: of the event, or why it was refused. */
  readonly text: string | null;
  /** That text comes from a model, not from the system. */
  readonly byAgent: boolean;
};

/** Fields of events that hold words, the telling first. */
const TEXT_FIELDS = ['text', 'ask', 'summary', 'answer', 'message', 'reason', 'title'] as const;
const AGENT_EVENTS: readonly string[] = ['task.progressed', 'gate.ask'];
const AGENTS: readonly string[] = ['child_run', 'parent_agent'];

export function eventWords(entry: FeedEntry): EventWords {
  const said = entry.kind === 'rejected' ? null : firstText(entry.event);
  const text = said ?? entry.reason;
  return {
    event: entry.event.type,
    change: changeOf(entry),
    text,
    byAgent: said !== null && isByAgent(entry),
  };
}

/** One line without marks: for labels that are read aloud. */
export function eventSentence(entry: FeedEntry): string {
  const { event, change, text } = eventWords(entry);
  const refused = entry.kind === 'rejected' ? ', refused' : '';
  return [`${entry.machine} ${event}${refused}`, change, text].filter((part) => part !== null).join(', ');
}

function changeOf({ from, to, kind }: FeedEntry): string | null {
  if (kind !== 'transition' || to === null || from === to) return null;
  return from === null ? `created as ${to}` : `${from} → ${to}`;
}

const firstText = (event: FeedEntry['event']): string | null => {
  for (const name of TEXT_FIELDS) {
    const value = event[name];
    if (typeof value === 'string' && value !== '') return value;
  }
  return null;
};

const isByAgent = ({ event, principal }: FeedEntry): boolean =>
  event.type.startsWith('child.') || AGENT_EVENTS.includes(event.type) || AGENTS.includes(principal);

export type Landmark = 'failure' | 'gate';

/** States that somebody has to look at, by machine. */
const TROUBLE: Readonly<Record<string, readonly string[]>> = {
  task: ['failed', 'blocked'],
  run: ['failed', 'blocked', 'stale', 'unknown_dispatch'],
  worker: ['broken'],
  objective: ['blocked'],
};

/** Something went wrong, or something began to wait for a person; null for anything else. */
export function landmarkOf({ kind, machine, from, to }: FeedEntry): Landmark | null {
  if (kind !== 'transition' || from === to || to === null) return null;
  if (machine === 'gate') return from === null ? 'gate' : null;
  return TROUBLE[machine]?.includes(to) === true ? 'failure' : null;
}
