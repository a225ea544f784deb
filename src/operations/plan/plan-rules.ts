/**
 * What a plan must keep beyond its schema: references that exist, no cycles, values that can be carried out. Pure; positions
 * are added by the reader.
 */
import { TASK_LIMITS } from '../../supervisor/specs/task-spec.ts';
import { nearestName } from '../nearest-name.ts';
import { pathText, type PathStep, type SchemaProblem } from '../schema-problems.ts';
import { PLAN_LIMITS, type PlanDocument, type PlanTaskDocument } from './plan-schema.ts';

type Report = (path: readonly PathStep[], message: string) => void;
type Fields = Omit<PlanTaskDocument, 'id'>;

/** @returns everything wrong with a document that fits its schema, in the order of the file. */
export const planRuleProblems = (plan: PlanDocument): readonly SchemaProblem[] => {
  const problems: SchemaProblem[] = [];
  const report: Report = (path, message) => problems.push({ path, message, at: 'value' });
  if (plan.objective.trim() === '') report(['objective'], 'must not be blank');
  checkCommands(plan.setup, ['setup'], report);
  checkFields(plan.defaults ?? {}, ['defaults'], report);
  plan.tasks.forEach((task, index) => {
    checkFields(task, ['tasks', index], report);
    checkAgent(withDefaults(plan.defaults ?? {}, task), ['tasks', index], report);
    const names = Object.keys({ ...plan.defaults?.env, ...task.env }).length;
    if (names > TASK_LIMITS.envMax) {
      report(
        ['tasks', index],
        `has ${String(names)} names in env together with the defaults; at most ${String(TASK_LIMITS.envMax)} are possible`,
      );
    }
  });
  checkIds(plan.tasks, report);
  checkDependencies(plan.tasks, report);
  return problems;
};

/**
 * A task's fields over the plan's defaults. Who names the agent decides about the program: a `pi` task takes no default `run`,
 * and a task with a `run` of its own no default agent.
 */
export const withDefaults = <Task extends Fields>(defaults: Partial<Fields>, task: Task): Task => {
  const { run, agent, ...rest } = defaults;
  return {
    ...rest,
    ...(run === undefined || task.agent === 'pi' ? {} : { run }),
    ...(agent === undefined || task.run !== undefined ? {} : { agent }),
    ...task,
  };
};

function checkFields(fields: Partial<Fields>, path: readonly PathStep[], report: Report): void {
  if (fields.title !== undefined && fields.title.trim() === '') report([...path, 'title'], 'must not be blank');
  if (fields.run !== undefined) checkCommand(fields.run, [...path, 'run'], report);
  checkCommands(fields.verify, [...path, 'verify'], report);
  const promptBytes = new TextEncoder().encode(fields.prompt ?? '').length;
  if (promptBytes > TASK_LIMITS.promptBytesMax) {
    report(
      [...path, 'prompt'],
      `may have at most ${String(TASK_LIMITS.promptBytesMax)} bytes, not ${String(promptBytes)}: put it into a file`,
    );
  }
  if (fields.base !== undefined && !isCommitish(fields.base))
    report([...path, 'base'], 'is not a commit-ish: a branch, a tag or a commit');
  fields.writeScope?.forEach((entry, index) => {
    const wrong = writeScopeProblem(entry);
    if (wrong !== null) report([...path, 'writeScope', index], wrong);
  });
  for (const [name, value] of Object.entries(fields.env ?? {})) {
    if (value.includes('\0')) report([...path, 'env', name], 'holds a NUL character, which no environment can carry');
  }
}

function checkAgent(fields: Fields, path: readonly PathStep[], report: Report): void {
  const agent = fields.agent ?? (fields.run === undefined ? 'pi' : 'command');
  if (agent === 'command' && fields.run === undefined)
    report([...path, 'run'], 'is missing: a command agent needs the program to run');
  if (agent === 'pi' && fields.run !== undefined)
    report([...path, 'run'], 'is for agent command: remove it, or remove agent: pi');
  if (agent === 'pi' && fields.prompt === undefined) {
    report(
      path,
      fields.agent === 'pi'
        ? 'needs a prompt: it is all that its agent is told'
        : 'needs run (a command) or prompt (for an agent)',
    );
  }
}

const checkCommands = (commands: PlanDocument['setup'], path: readonly PathStep[], report: Report): void =>
  commands?.forEach((command, index) => checkCommand(command, [...path, index], report));

function checkCommand(command: NonNullable<Fields['run']>, path: readonly PathStep[], report: Report): void {
  const wrong = commandProblem(command);
  if (wrong !== null) report(path, wrong);
}

/** @returns what keeps a command from being executed, or null. */
export const commandProblem = (command: string | readonly string[]): string | null => {
  const parts = typeof command === 'string' ? [command] : command;
  if (parts.some((part) => part.includes('\0'))) return 'holds a NUL character, which no program can be given';
  if ((parts[0] ?? '').trim() === '') return 'names no program';
  return null;
};

/** Whether git may be asked for it: nothing that reads as an option, a range or a control character. */
export const isCommitish = (text: string): boolean =>
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  !text.startsWith('-') && !/[\u0000-\u0020\u007f]|\.\./.test(text);

/** @returns why a path cannot be a write scope, or null. */
export const writeScopeProblem = (entry: string): string | null => {
  if (entry.startsWith('/') || entry.startsWith('~')) return 'must be relative to the root of the repository';
  if (entry.split('/').includes('..')) return 'must not leave the repository with ..';
  return entry.includes('\0') ? 'holds a NUL character, which no path can have' : null;
};

function checkIds(tasks: readonly PlanTaskDocument[], report: Report): void {
  const first = new Map<string, number>();
  tasks.forEach(({ id }, index) => {
    const earlier = first.get(id);
    if (earlier === undefined) first.set(id, index);
    else report(['tasks', index, 'id'], `is taken: ${pathText(['tasks', earlier])} is called ${id} too`);
  });
}

const idOf = (dependency: NonNullable<PlanTaskDocument['dependsOn']>[number]): string =>
  typeof dependency === 'string' ? dependency : dependency.id;

function checkDependencies(tasks: readonly PlanTaskDocument[], report: Report): void {
  const ids = [...new Set(tasks.map(({ id }) => id))];
  const known = new Set(ids);
  let total = 0;
  tasks.forEach((task, index) => {
    const seen = new Set<string>();
    task.dependsOn?.forEach((dependency, place) => {
      const id = idOf(dependency);
      const path = ['tasks', index, 'dependsOn', place];
      total += 1;
      if (id === task.id) report(path, `names the task itself`);
      else if (!known.has(id)) {
        const nearest = nearestName(id, ids);
        report(
          path,
          `names ${id}, which is no task of this plan${nearest === null ? '' : `; did you mean ${nearest}?`}`,
        );
      } else if (seen.has(id)) report(path, `names ${id} a second time`);
      seen.add(id);
    });
  });
  if (total > PLAN_LIMITS.dependenciesMax) {
    report(
      ['tasks'],
      `have ${String(total)} dependencies together; at most ${String(PLAN_LIMITS.dependenciesMax)} are possible: add a task that joins them`,
    );
  }
  const edges = new Map<string, readonly string[]>();
  // Of two tasks with one id the first counts; the second is reported above.
  for (const { id, dependsOn = [] } of tasks) if (!edges.has(id)) edges.set(id, dependsOn.map(idOf));
  const cycle = findCycle(edges);
  if (cycle !== null) {
    const index = tasks.findIndex(({ id }) => id === cycle[0]);
    report(['tasks', index, 'dependsOn'], `never ends: ${cycle.join(' -> ')}`);
  }
}

/**
 * Depth first, without recursion: a chain of a thousand tasks is a plan, not a stack overflow.
 * @returns the first cycle of two or more, its first member repeated at the end, or null.
 */
export const findCycle = (edges: ReadonlyMap<string, readonly string[]>): readonly string[] | null => {
  const done = new Set<string>();
  for (const start of edges.keys()) {
    const path: { readonly id: string; next: number }[] = done.has(start) ? [] : [{ id: start, next: 0 }];
    const open = new Set(path.map(({ id }) => id));
    while (path.length > 0) {
      const top = path.at(-1)!;
      const target = (edges.get(top.id) ?? [])[top.next];
      top.next += 1;
      if (target === undefined) {
        done.add(top.id);
        open.delete(top.id);
        path.pop();
      } else if (open.has(target) && target !== top.id) {
        const ids = path.map(({ id }) => id);
        return [...ids.slice(ids.indexOf(target)), target];
      } else if (!done.has(target) && !open.has(target) && edges.has(target)) {
        path.push({ id: target, next: 0 });
        open.add(target);
      }
    }
  }
  return null;
};
