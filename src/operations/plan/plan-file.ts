/**
 * Makes a plan of what a person wrote: a file, a value that an agent sent, or the words after `run --`. One judgement for all.
 *
 * F1. An invalid plan creates nothing: it is refused with all that is wrong before anything is asked of the kernel.
 * F2. A task's own value beats the plan's default; `env`, `retry` and `restart` are joined name by name.
 */
import { Compile } from 'typebox/compile';
import type { CommandLine } from '../../supervisor/runners/contract.ts';
import { TASK_DEFAULTS, type RuntimeMode } from '../../supervisor/specs/task-spec.ts';
import { readDocument, readValue, type DocumentRules } from './document-reader.ts';
import { planRuleProblems, withDefaults } from './plan-rules.ts';
import { PLAN_LIMITS, PlanSchema, PlanTaskSchema, type PlanDocument, type PlanTaskDocument } from './plan-schema.ts';
import type { Plan, PlanDependency, PlanTask } from './plan.ts';

const rules: DocumentRules<PlanDocument> = {
  noun: 'plan',
  schema: PlanSchema,
  check: Compile(PlanSchema),
  rules: planRuleProblems,
};

/**
 * @param file its name in messages; nothing is opened.
 * @throws ConductorError `invalid_params`: `details.problems` is `[{line, col, path, message}]`, at most 20.
 */
export const parsePlan = (text: string, file = 'plan'): Plan =>
  planOf(readDocument({ file, text, bytesMax: PLAN_LIMITS.bytesMax }, rules));

/** The same for a plan that is a value already. @throws ConductorError `invalid_params`, without lines and columns. */
export const parsePlanValue = (value: unknown, name = 'plan'): Plan => planOf(readValue(value, name, rules));

const taskRules: DocumentRules<PlanTaskDocument> = {
  noun: 'task',
  schema: PlanTaskSchema,
  check: Compile(PlanTaskSchema),
  rules: (task) =>
    planRuleProblems({ objective: 'one task', tasks: [task] }).map((problem) => ({
      ...problem,
      path: problem.path.slice(2),
    })),
};

/** One task without a plan, judged as if it stood in one. @throws ConductorError `invalid_params` */
export const parseTaskValue = (value: Omit<PlanTaskDocument, 'id' | 'dependsOn'>): PlanTask =>
  planTaskOf({}, readValue({ ...value, id: 'main' }, 'task', taskRules));

/** What `run --title T -- PROG ARGS` asks for; every other key may be set by an option. */
export type CommandPlan = Omit<PlanTaskDocument, 'id' | 'dependsOn' | 'title' | 'run'> & {
  readonly title: string;
  readonly command: readonly string[];
  readonly setup?: CommandLine[];
};

/** An objective with one task `main` whose exit code is its completion. @throws ConductorError `invalid_params` */
export const planOfCommand = ({ title, command, setup, ...fields }: CommandPlan): Plan =>
  parsePlanValue(
    {
      objective: title,
      ...(setup === undefined ? {} : { setup }),
      tasks: [{ id: 'main', title, completion: 'exit-code', ...fields, run: command }],
    },
    'run',
  );

const planOf = (document: PlanDocument): Plan => ({
  objective: document.objective,
  maxConcurrency: document.maxConcurrency ?? null,
  setup: document.setup ?? null,
  tasks: document.tasks.map((task) => planTaskOf(document.defaults ?? {}, task)),
});

const planTaskOf = (defaults: NonNullable<PlanDocument['defaults']>, own: PlanTaskDocument): PlanTask => {
  const { title, agent, run, dependsOn, writeScope, completion, runtimeMode, ...task } = withDefaults(defaults, own);
  return {
    ...orConfigured(task),
    id: own.id,
    title: title ?? own.id,
    agent: agent ?? (run === undefined ? 'pi' : 'command'),
    run: run ?? null,
    dependsOn: dependsOn?.map(dependencyOf) ?? [],
    writeScope: writeScope ?? [],
    completion: completion ?? TASK_DEFAULTS.completion,
    retry: { ...TASK_DEFAULTS.retry, ...defaults.retry, ...own.retry },
    restart: { ...TASK_DEFAULTS.restart, ...defaults.restart, ...own.restart },
    env: { ...defaults.env, ...own.env },
    runtimeMode: runtimeModeOf(runtimeMode),
  };
};

/** What nobody said is left to the configuration, or to the objective. */
const orConfigured = (
  task: Partial<PlanTaskDocument>,
): Pick<PlanTask, 'prompt' | 'base' | 'workerName' | 'verify' | 'timeoutMs' | 'idleMs'> => ({
  prompt: task.prompt ?? null,
  base: task.base ?? null,
  workerName: task.workerName ?? null,
  verify: task.verify ?? null,
  timeoutMs: task.timeoutMs ?? null,
  idleMs: task.idleMs ?? null,
});

const dependencyOf = (dependency: NonNullable<PlanTaskDocument['dependsOn']>[number]): PlanDependency =>
  typeof dependency === 'string'
    ? { id: dependency, needs: 'code' }
    : { id: dependency.id, needs: dependency.needs ?? 'code' };

/** `tmux` and `iterm-tmux` are older names. */
export const runtimeModeOf = (name: PlanTaskDocument['runtimeMode']): RuntimeMode => {
  if (name === 'tmux') return 'pty';
  return name === 'iterm-tmux' ? 'viewer' : (name ?? TASK_DEFAULTS.runtimeMode);
};
