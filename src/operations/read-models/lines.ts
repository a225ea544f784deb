/** One line of text per item: what a model or a person reads of a list. Facts first, words of others last and shortened. */
import type {
  ArtifactItem,
  EventItem,
  GateItem,
  ItemPage,
  ObjectiveItem,
  RunItem,
  TaskItem,
  WorkerItem,
} from './item-schemas.ts';

/** Characters of a text that a line shows. */
const TEXT_MAX = 120;

/** Without control characters, so that nobody's text can draw on a terminal. */
export const short = (text: string, max = TEXT_MAX): string => {
  // eslint-disable-next-line no-control-regex -- control characters are what is taken out
  const line = text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').trim();
  return line.length > max ? `${line.slice(0, max - 1)}…` : line;
};

const because = (reason: string | null): string => (reason === null ? '' : `: ${short(reason)}`);

/** An agent's own words: its quotation marks do not end ours. */
export const quoted = (text: string): string => `“${text.replaceAll(/[“”]/g, '"')}”`;

/** Items of an older supervisor have no `said`. */
type Words = Pick<RunItem, 'reason' | 'progress'> & { readonly said?: string | null };

/** Why it stands where it stands, with the agent's own word on that; where nothing needs explaining, how far the agent says it is. */
export const wordsOf = ({ reason, said = null, progress }: Words): string => {
  if (reason === null) return progress === null ? '' : quoted(progress);
  return said === null ? reason : `${reason}: ${quoted(said)}`;
};

const inWords = (item: Words): string => because(wordsOf(item) || null);

export const objectiveLine = (item: ObjectiveItem): string => {
  const tasks = Object.entries(item.tasks).filter(([, count]) => count > 0);
  const counted =
    tasks.length === 0 ? 'no tasks' : tasks.map(([bucket, count]) => `${String(count)} ${bucket}`).join(', ');
  return `${item.objectiveId} ${item.state} «${short(item.title)}» ${counted}${because(item.reason)}`;
};

export const taskLine = (item: TaskItem): string =>
  `${item.taskId} ${item.state} «${short(item.title)}»${inWords(item)}`;

export const runLine = (item: RunItem): string =>
  `${item.runId} ${item.status} attempt ${String(item.attempt)} of ${item.taskId}${inWords(item)}`;

export const gateLine = (item: GateItem): string =>
  `${item.gateId} ${item.state} ${item.type}${item.humanOnly ? ' (human only)' : ''}, asked by ${item.askedBy}: ${short(item.ask)}`;

export const workerLine = (item: WorkerItem): string =>
  `${item.workerId} ${item.state} ${item.name ?? '(unnamed)'} ${item.branch}${because(item.reason)}`;

export const artifactLine = (item: ArtifactItem): string =>
  `${item.artifactId} ${item.type} ${short(item.name)} ${String(item.bytes)} bytes${item.truncated ? ' (cut)' : ''}`;

export const eventLine = (item: EventItem): string =>
  `${String(item.seq)} ${new Date(item.at).toISOString()} ${item.actor} ${item.event.type}` +
  `${item.from === item.to || item.to === null ? '' : ` ${item.from ?? ''}→${item.to}`}${because(item.reason)}`;

export const pageText = <Item>(page: ItemPage<Item>, line: (item: Item) => string, noun: string): string => {
  if (page.items.length === 0) return `no ${noun}`;
  const more = page.nextCursor === null ? [] : [`more: after ${page.nextCursor}`];
  return [...page.items.map(line), ...more].join('\n');
};
