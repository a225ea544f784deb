/** What lives now: the supervision tree with its runners, and what stands in the worktree of a run. */
import { Type } from 'typebox';
import { ConductorError } from '../machines/errors.ts';
import type { ArtifactRow, StoredActor } from '../persistence/store.ts';
import { contextOf, needActor, needsSupervisor, type HandlerContext } from './operation-context.ts';
import { EVENT_MAX } from './moment-parameters.ts';
import { defineOperation, READERS, said } from './operation.ts';
import { closed, nullable, oneOf, optional, runId } from './parameter-schemas.ts';
import { NO_SERVICES, ServicesSchema, servicesText } from './read-models/supervision-view.ts';
import { SupervisorPastSchema, supervisorPast, supervisorText } from './read-models/supervisor-moment.ts';

/** Bytes of a patch that are shown. */
export const PATCH_BYTES_MAX = 524_288;
/** The summary that stands in an artifact before its patch, in bytes: a line for each of 2,000 files. */
const SUMMARY_BYTES_MAX = 262_144;

export const getServices = defineOperation({
  name: 'conductor_get_services',
  title: 'Show the supervision tree',
  description:
    'The services of the supervisor with their restarts and backoff, what is left of the budget of restarts, the runners with their ' +
    'processes, memory and processor time, and what failed lately and why.',
  params: closed({}),
  result: ServicesSchema,
  principals: READERS,
  mutates: false,
  handler: async (context) => {
    const services = context.services() ?? NO_SERVICES;
    return said(servicesText(services), services);
  },
});

export const getSupervisor = defineOperation({
  name: 'conductor_get_supervisor',
  title: "Show the supervisor's machine",
  description:
    'The machine that holds the services of the supervisor, after one of its last steps: its states, what it remembers and what it ' +
    'remembered before, the transitions that an event may take, and with event why it would be taken or not. It lives in memory: ' +
    'steps are numbered from the start of the supervisor that runs.',
  params: closed({
    step: optional(
      Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
      'After this step. Default: the newest.',
    ),
    at: optional(
      Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
      'As it was at this time, in ms since 1970. Default: now.',
    ),
    event: optional(
      Type.String({ minLength: 1, maxLength: EVENT_MAX }),
      'Why it would be taken or not, e.g. supervisor.stop.',
    ),
  }),
  result: SupervisorPastSchema,
  principals: READERS,
  mutates: false,
  handler: async (context, question) => {
    const steps = context.treeSteps() ?? [];
    if (steps.length === 0) throw needsSupervisor();
    const past = supervisorPast(steps, question, context.clock.now());
    return said(supervisorText(past), past);
  },
});

const SOURCES = ['worktree', 'artifact', 'none'] as const;

export const readDiff = defineOperation({
  name: 'conductor_read_diff',
  title: 'Read what a run changed',
  description:
    'The patch of a run against the commit it started from: what stands in its worktree now while it lives, what was kept as evidence ' +
    `after its end. At most ${String(PATCH_BYTES_MAX / 1_024)} KiB, whole lines.`,
  params: closed({ runId }),
  result: closed({
    runId: Type.String(),
    baseCommit: nullable(Type.String()),
    commit: nullable(Type.String()),
    /** `none`: it has no worktree yet, or changed nothing. */
    source: oneOf(SOURCES),
    patch: Type.String(),
    truncated: Type.Boolean(),
  }),
  principals: READERS,
  mutates: false,
  handler: async (context, { runId: id }) => {
    const run = await needActor(context, id);
    const { baseCommit, commit } = contextOf(run, 'run');
    const diff = await (run.facts.settled ? keptDiff(context, run) : liveDiff(context, run));
    const text = diff.patch === '' ? whyEmpty(run) : `${diff.patch}${diff.truncated ? '(cut)' : ''}`;
    return said(text, { runId: id, baseCommit, commit, ...diff });
  },
});

type Diff = { readonly source: (typeof SOURCES)[number]; readonly patch: string; readonly truncated: boolean };

/** How a patch begins. */
const FIRST = 'diff --git ';

const nothing: Diff = { source: 'none', patch: '', truncated: false };

const liveDiff = async (context: HandlerContext, run: StoredActor): Promise<Diff> => {
  const { worktreePath, baseCommit } = contextOf(run, 'run');
  if (worktreePath === null || baseCommit === null) return nothing;
  return { source: 'worktree', ...(await context.liveDiff(run.id, PATCH_BYTES_MAX)) };
};

/** A run that ended before its work was sealed has no commit to compare with. */
const whyEmpty = (run: StoredActor): string =>
  run.facts.settled && contextOf(run, 'run').commit === null
    ? 'no commit was made of its work; what it left, if anything, lies in its worktree'
    : 'nothing is changed';

/** @throws ConductorError `refused` when the run changed something that cannot be shown: that would look as if nothing was changed */
const keptDiff = async (context: HandlerContext, run: StoredActor): Promise<Diff> => {
  const { changedFiles, baseCommit, commit } = contextOf(run, 'run');
  const [row] = (await context.reader.listArtifacts({ runId: run.id, type: 'changed_files', limit: 1 })).items;
  const withheld = row?.metadata['withheld'];
  const found = row === undefined || typeof withheld === 'string' ? null : await patchIn(context, row);
  if (found !== null) return found;
  if (row === undefined && changedFiles === 0) return nothing;
  const why = typeof withheld === 'string' ? withheld : 'its copy is not there, or too large to be shown';
  const way = baseCommit === null || commit === null ? '' : `; git diff ${baseCommit} ${commit} shows it`;
  throw new ConductorError('refused', `the patch was not kept: ${why}${way}`);
};

/** The artifact holds a summary, an empty line, the patch. @returns null where no patch is found in it */
const patchIn = async ({ artifacts }: HandlerContext, row: ArtifactRow): Promise<Diff | null> => {
  const data = await artifacts.read(row, SUMMARY_BYTES_MAX + PATCH_BYTES_MAX);
  const text = data === null ? '' : new TextDecoder().decode(data);
  const start = text.startsWith(FIRST) ? 0 : text.indexOf(`\n${FIRST}`) + 1;
  if (data === null || (start === 0 && !text.startsWith(FIRST))) return null;
  const whole = Buffer.from(text.slice(start));
  const isCut = whole.byteLength > PATCH_BYTES_MAX || row.bytes > data.byteLength;
  const shown = whole.toString('utf8', 0, PATCH_BYTES_MAX);
  const patch = isCut ? shown.slice(0, shown.lastIndexOf('\n') + 1) : shown;
  return { source: 'artifact', patch, truncated: isCut || row.truncated };
};

export const serviceOperations = [getServices, getSupervisor, readDiff] as const;
