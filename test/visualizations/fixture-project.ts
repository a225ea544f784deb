/** A made-up project for the page's tests: items as the overview has them, the same for the same mode. */
import type {
  Overview,
  OverviewGate,
  OverviewItems,
  OverviewObjective,
  OverviewRun,
  OverviewTask,
  OverviewWorker,
} from '../../src/operations/read-models/overview.ts';

/** `plain`: a day's work. `large`: one objective with 1,000 tasks. `hostile`: every text tries to be something else. */
export type FixtureMode = 'plain' | 'large' | 'hostile' | 'empty';

export const HOSTILE_TEXTS = [
  '<script>document.title = "owned"</script><img src=x onerror="document.title=\'owned\'">',
  'rm -rf \u202e/emoh/ \u2066hidden\u2069 and \u200binvisible',
  'red \u001b[31malert\u001b[0m \u0007\u0008\u0000 and \r a return',
  'nospaceinaverylongword'.repeat(40),
  '‮مرحبا‬ <b>bold</b> javascript:alert(1)',
] as const;

const MINUTE_MS = 60_000;

const idOf = (kind: string, index: number): string => `${kind}-06h3k2m9aq${index.toString(32).padStart(10, '0')}`;

export const taskIdOf = (index: number): string => idOf('task', index);
export const runIdOf = (index: number): string => idOf('run', index);
export const gateIdOf = (index: number): string => idOf('gate', index);
export const objectiveIdOf = (index: number): string => idOf('objective', index);

const TITLES = [
  'Read the grammar and list its rules',
  'Write the tokenizer',
  'Parse expressions',
  'Parse statements',
  'Report errors with a place',
  'Format what was parsed',
  'Measure the parser on the corpus',
  'Write the manual',
  'Prepare the release',
];
const STATES = [
  'completed',
  'completed',
  'completed',
  'running',
  'running',
  'needs_review',
  'failed',
  'blocked',
  'ready',
  'draft',
] as const;

/** What a task in that state says of itself. */
const REASONS: Readonly<Record<string, string>> = {
  needs_review: 'verification is red: npm test exited with 1',
  failed: 'the agent exited with 137 three times; no attempts are left',
  blocked: 'waits for «Format what was parsed», which failed',
  ready: 'waits for a slot: 4 of 4 run',
  draft: 'not released yet',
};

const PROGRESS = [
  'reading src/parser/expression.ts and the twelve tests that cover it',
  'two of five tests pass; precedence of unary minus is next',
  'writing the table of operators',
];

type Made = { -readonly [Kind in keyof OverviewItems]: OverviewItems[Kind][number][] };

const taskOf = (index: number, given: Partial<OverviewTask> & { readonly state: string; readonly now: number }) => {
  const { now, ...rest } = given;
  const isBegun = !['ready', 'draft', 'blocked'].includes(given.state);
  const task: OverviewTask = {
    taskId: taskIdOf(index),
    objectiveId: null,
    title: TITLES[index % TITLES.length]!,
    planId: `step-${String(index)}`,
    reason: REASONS[given.state] ?? null,
    said: null,
    runId: isBegun ? runIdOf(index) : null,
    gateId: given.state === 'needs_review' ? gateIdOf(index) : null,
    attempts: isBegun ? 1 + (index % 2) : 0,
    maxAttempts: 3,
    progress: isBegun ? PROGRESS[index % PROGRESS.length]! : null,
    progressAt: isBegun ? now - 4_000 : null,
    notBefore: null,
    commit: given.state === 'completed' ? 'a1b2c3d4e5' : null,
    branch: isBegun ? `conductor/parser/step-${String(index)}` : null,
    dependsOn: [],
    revision: 1,
    createdAt: now - 90 * MINUTE_MS,
    updatedAt: now - MINUTE_MS,
    ...rest,
  };
  return task;
};

const runStatus = (state: string): string =>
  ({ completed: 'succeeded', needs_review: 'partial', failed: 'failed' })[state] ?? 'running';

const END_OF: Readonly<Record<string, string>> = { succeeded: 'succeeded', partial: 'partial', failed: 'exit_nonzero' };

const runOf = (task: OverviewTask, index: number, now: number): OverviewRun => {
  const status = runStatus(task.state);
  const settled = status !== 'running';
  return {
    runId: task.runId!,
    taskId: task.taskId,
    objectiveId: task.objectiveId,
    workerId: idOf('worker', index),
    status,
    settled,
    attempt: task.attempts,
    epoch: 1,
    end: END_OF[status] ?? null,
    reason: status === 'failed' ? 'the agent exited with 137 (SIGKILL): out of memory' : task.reason,
    said: null,
    progress: task.progress,
    progressAt: task.progressAt,
    runtimeMode: index % 3 === 0 ? 'pty' : 'headless',
    startedAt: now - (12 + index) * MINUTE_MS,
    endedAt: settled ? now - (3 + index) * MINUTE_MS : null,
    revision: 1,
    createdAt: now - (13 + index) * MINUTE_MS,
    updatedAt: now - MINUTE_MS,
  };
};

const workerOf = (task: OverviewTask, index: number, now: number): OverviewWorker => ({
  workerId: idOf('worker', index),
  name: null,
  state: task.state === 'running' ? 'busy' : 'idle',
  reason: null,
  objectiveId: task.objectiveId,
  runId: task.runId,
  branch: task.branch ?? 'main',
  worktreePath: `/home/ada/trees/${String(index)}`,
  revision: 1,
  updatedAt: now,
});

const GATES: readonly Pick<OverviewGate, 'type' | 'ask' | 'askedBy' | 'humanOnly' | 'state'>[] = [
  {
    state: 'open',
    type: 'needs_input',
    ask: 'The grammar allows both «a -b» and «a - b». Shall a minus without a space after it count as unary?',
    askedBy: 'child_run',
    humanOnly: false,
  },
  {
    state: 'open',
    type: 'needs_review',
    ask: 'Verification of «Format what was parsed» is red. Accept it, or send it back?',
    askedBy: 'system',
    humanOnly: false,
  },
  {
    state: 'open',
    type: 'ready_for_pr',
    ask: 'Open a pull request from conductor/parser/step-2 to main?',
    askedBy: 'parent_agent',
    humanOnly: true,
  },
  {
    state: 'rejected',
    type: 'needs_review',
    ask: 'The manual has no examples. Accept it?',
    askedBy: 'system',
    humanOnly: false,
  },
];

const gateOf = (index: number, task: OverviewTask, now: number): OverviewGate => {
  const given = GATES[index % GATES.length]!;
  return {
    ...given,
    gateId: task.gateId ?? gateIdOf(index),
    taskId: task.taskId,
    runId: task.runId,
    workerId: null,
    objectiveId: task.objectiveId,
    expiresAt: null,
    revision: 1,
    createdAt: now - (5 + 7 * index) * MINUTE_MS,
    resolvedAt: given.state === 'open' ? null : now - 2 * MINUTE_MS,
  };
};

const objectiveOf = (
  index: number,
  tasks: readonly OverviewTask[],
  { state, now }: { readonly state: string; readonly now: number },
): OverviewObjective => {
  const buckets: Record<string, number> = Object.fromEntries(
    [
      'draft',
      'waiting',
      'delayed',
      'ready',
      'running',
      'needs_review',
      'blocked',
      'completed',
      'failed',
      'canceled',
    ].map((bucket) => [bucket, tasks.filter((task) => task.state === bucket).length]),
  );
  return {
    objectiveId: objectiveIdOf(index),
    title: ['A parser for the query language', 'Move the tests to the new runner', 'Faster start'][index % 3]!,
    state,
    reason: state === 'needs_review' ? 'a review is open' : null,
    tasks: buckets,
    openGates: 1,
    revision: 1,
    createdAt: now - (100 + index) * MINUTE_MS,
    updatedAt: now,
  };
};

/** A chain that widens and narrows: each task waits for one or two before it. */
const dependenciesOf = (index: number, first: number): string[] => {
  const local = index - first;
  if (local === 0) return [];
  const parents = [first + Math.floor((local - 1) / 2), ...(local % 5 === 4 ? [first + local - 2] : [])];
  return [...new Set(parents)].map((parent) => taskIdOf(parent));
};

const addObjective = (made: Made, index: number, given: { state: string; count: number; now: number }): void => {
  const first = made.tasks.length;
  const tasks = Array.from({ length: given.count }, (_, local) => {
    const state = given.state === 'completed' ? 'completed' : STATES[(local * 7) % STATES.length]!;
    return taskOf(first + local, {
      now: given.now,
      state: given.count < 20 && given.state !== 'completed' ? STATES[local % STATES.length]! : state,
      objectiveId: objectiveIdOf(index),
      dependsOn: dependenciesOf(first + local, first),
    });
  });
  made.tasks.push(...tasks);
  made.objectives.push(objectiveOf(index, tasks, given));
};

const MODES: Readonly<Record<FixtureMode, readonly { readonly state: string; readonly count: number }[]>> = {
  plain: [
    { state: 'needs_review', count: 10 },
    { state: 'active', count: 5 },
    { state: 'completed', count: 3 },
  ],
  large: [{ state: 'active', count: 1_000 }],
  hostile: [{ state: 'active', count: 5 }],
  empty: [],
};

const text = (index: number): string => HOSTILE_TEXTS[index % HOSTILE_TEXTS.length]!;

const hostile = (made: Made): Made => {
  return {
    ...made,
    objectives: made.objectives.map((objective) => ({ ...objective, title: text(0), reason: text(1) })),
    tasks: made.tasks.map((task, index) => ({
      ...task,
      title: text(index),
      reason: text(index + 1),
      progress: text(2),
    })),
    runs: made.runs.map((run, index) => ({ ...run, reason: text(index), progress: text(index + 1) })),
    gates: made.gates.map((gate, index) => ({ ...gate, ask: `${text(index)} ${'x'.repeat(100_000)}` })),
  };
};

/** `runsMax`: runs of a large project that are under way. */
export const fixtureItems = (mode: FixtureMode, now: number): OverviewItems => {
  const made: Made = { objectives: [], tasks: [], runs: [], gates: [], workers: [] };
  for (const [index, given] of MODES[mode].entries()) addObjective(made, index, { ...given, now });
  const begun = made.tasks.filter(({ runId }) => runId !== null);
  made.runs = begun.map((task, index) => runOf(task, index, now));
  made.workers = begun.map((task, index) => workerOf(task, index, now));
  made.gates = begun
    .filter(({ state }) => ['running', 'needs_review'].includes(state))
    .slice(0, GATES.length)
    .map((task, index) => gateOf(index, task, now));
  return mode === 'hostile' ? hostile(made) : made;
};

export const fixtureOverview = (
  items: OverviewItems,
  given: { seq: number; lastSeq: number; now: number },
): Overview => ({
  seq: given.seq,
  at: given.now - (given.lastSeq - given.seq) * 1_000,
  lastSeq: given.lastSeq,
  counts: given.seq === given.lastSeq ? {} : null,
  items,
  omitted: { objectives: 0, tasks: 0 },
});
