/**
 * Goal: every operation keeps the rules of the catalogue: who may call it, bounds on everything, nothing but typed errors, and a
 * refusal changes nothing.
 * Method: rules read from the schemas; a table of principals; values generated from each schema and beyond it, against a project
 * in which every kind of thing exists.
 */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isConductorError } from '../../src/machines/errors.ts';
import type { Principal } from '../../src/machines/schema.ts';
import { catalogue, OPERATIONS } from '../../src/operations/catalogue.ts';
import type { ChildChannel } from '../../src/operations/operation-context.ts';
import type { Operation } from '../../src/operations/operation.ts';
import { canonicalJson, sha256 } from '../../src/supervisor/specs/canonical-json.ts';
import { mangled, valuesOf, type Schema } from './schema-values.ts';
import { openProject, PLAN, refusalOf, type Project } from './operation-fixture.ts';

let project: Project;
beforeEach(async () => {
  project = await openProject();
});
afterEach(async () => {
  await project.close();
});

const operations: readonly Operation[] = OPERATIONS as readonly Operation[];

/** Every schema inside of one, with the path to it. */
const walk = (schema: Schema, path = ''): { path: string; schema: Schema }[] => [
  { path, schema },
  ...Object.entries(schema.properties ?? {}).flatMap(([key, one]) => walk(one, `${path}.${key}`)),
  ...Object.values(schema.patternProperties ?? {}).flatMap((one) => walk(one, `${path}.*`)),
  ...(schema.anyOf ?? []).flatMap((one) => walk(one, path)),
  ...(schema.items === undefined ? [] : walk(schema.items, `${path}[]`)),
];

const isUnbounded = (schema: Schema): boolean => {
  if ('const' in schema || schema.enum !== undefined) return false;
  if (schema.type === 'string') return schema['maxLength'] === undefined && schema['pattern'] === undefined;
  if (schema.type === 'array') return schema['maxItems'] === undefined;
  if (schema.type === 'integer') return schema['minimum'] === undefined || schema['maximum'] === undefined;
  if (schema.type === 'object') return schema['additionalProperties'] !== false;
  return schema.type === 'number';
};

describe('the catalogue', () => {
  test('Y1: names are unique, prefixed, and of the system that it replaces', () => {
    expect(new Set(operations.map(({ name }) => name)).size).toBe(operations.length);
    expect(operations.filter(({ name }) => !/^conductor_[a-z_]+$/.test(name))).toEqual([]);
    expect([...catalogue.keys()]).toEqual(operations.map(({ name }) => name));
  });

  test('every parameter is bounded, and no unknown one is taken', () => {
    const open = operations.flatMap(({ name, params }) =>
      walk(params as Schema)
        .filter(({ schema }) => isUnbounded(schema))
        .map(({ path }) => `${name}${path}`),
    );
    // Counters that have no highest value; a whole number is all that they can be.
    expect(open).toEqual([
      'conductor_create_gate.targetRevision',
      'conductor_list_events.afterSequence',
      'conductor_list_events.until',
    ]);
  });

  test('Y2: no parameter lets a caller say who it is', () => {
    const words = /principal|actor|human|user|identity|role/i;
    const claims = operations.flatMap(({ name, params }) =>
      walk(params as Schema)
        .filter(
          ({ path, schema }) =>
            words.test(path) || [schema.const, ...(schema.enum ?? [])].some((one) => one === 'human'),
        )
        .map(({ path }) => `${name}${path}`),
    );
    expect(claims).toEqual([]);
  });

  test('each says what it is for, in words that fit a list', () => {
    for (const { name, title, description } of operations) {
      expect(title.length, name).toBeLessThanOrEqual(48);
      expect(description.length, name).toBeGreaterThan(15);
      expect(description.length, name).toBeLessThanOrEqual(400);
    }
  });
});

describe('who may call what', () => {
  const everyone: readonly Principal[] = ['human', 'parent_agent', 'child_run', 'system'];
  const expected = (operation: Operation): readonly Principal[] => {
    if (operation.name.startsWith('conductor_child_')) return ['child_run'];
    if (operation.name === 'conductor_trust_configuration') return ['human'];
    return operation.mutates ? ['human', 'parent_agent', 'system'] : everyone;
  };

  test.each(operations.map((operation) => [operation.name, operation] as const))('%s', async (name, operation) => {
    expect(operation.principals).toEqual(expected(operation));
    const before = await project.state();
    for (const principal of everyone.filter((one) => !operation.principals.includes(one))) {
      expect(await refusalOf(project.invoke(name, {}, { principal }))).toBe(
        `not_permitted: ${name} is not for a ${principal}`,
      );
    }
    expect(await project.state()).toEqual(before);
  });

  test.each<[string, Principal, boolean]>([
    ['needs_input', 'human', true],
    ['needs_input', 'parent_agent', true],
    ['needs_review', 'parent_agent', true],
    ['approval_required', 'parent_agent', false],
    ['approval_required', 'system', false],
    ['approval_required', 'human', true],
    ['ready_for_pr', 'parent_agent', false],
    ['ready_for_pr', 'human', true],
    ['destructive_cleanup', 'parent_agent', false],
    ['destructive_cleanup', 'human', true],
  ])('%s is approved by %s: %s; anybody of them may reject it', async (type, principal, may) => {
    const open = async () => (await project.call('conductor_create_gate', { type, requestedDecision: 'x' })).gateId;
    const decide = async (gateId: string, status: string) =>
      refusalOf(project.call('conductor_resolve_gate', { gateId, status, resolutionReason: 'r' }, { principal }));
    const gateId = await open();
    expect(await decide(gateId, 'approved')).toContain(may ? 'nothing was refused' : 'not_permitted');
    expect((await project.actor(gateId)).facts.state).toBe(may ? 'approved' : 'open');
    expect(await decide(await open(), 'rejected')).toBe('nothing was refused');
  });
});

describe('calls', () => {
  test('an unknown name is answered with the nearest', async () => {
    expect(await refusalOf(project.invoke('conductor_run_plans', {}))).toContain('did you mean conductor_run_plan?');
    expect(await refusalOf(project.invoke('run_plan', {}))).toContain('did you mean conductor_run_plan?');
    expect(await refusalOf(project.invoke('x'.repeat(5_000), {}))).toContain('not_found');
  });

  test('wrong parameters are named with their limit', async () => {
    expect(await refusalOf(project.invoke('conductor_list_tasks', { limit: 500, stat: 'x', state: 'nope' }))).toBe(
      'invalid_params: conductor_list_tasks: limit must be a whole number from 1 to 100, not 500; stat is not a known key: did you mean ' +
        'state?; state must be one of "draft", "ready", "assigned", "running", "needs_review", "blocked", "completed", "failed", "canceled"',
    );
    expect(await refusalOf(project.invoke('conductor_get_task', []))).toContain(
      'the value must be an object, not a list',
    );
    expect(await refusalOf(project.invoke('conductor_get_task', { taskId: 'task-1' }))).toContain(
      'taskId must be a task id',
    );
  });

  test('I2: a repeat gets the first answer whatever has happened since, and makes nothing twice', async () => {
    const taskId = (await project.call('conductor_create_task', { title: 'x', run: 'x' }, { requestId: 'a' })).taskId;
    expect((await project.call('conductor_create_task', { title: 'x', run: 'x' }, { requestId: 'a' })).taskId).toBe(
      taskId,
    );
    const cancel = async () => project.call('conductor_cancel_task', { taskId }, { requestId: 'b' });
    const first = await cancel();
    await project.call('conductor_retry_task', { taskId });
    expect(await cancel()).toEqual(first);
    expect((await project.actor(taskId)).facts.state).toBe('ready');
    expect(await refusalOf(project.call('conductor_retry_task', { taskId }, { requestId: 'b' }))).toContain(
      'idempotency_conflict',
    );
    expect(await refusalOf(project.call('conductor_retry_task', { taskId }, { requestId: '' }))).toContain(
      'invalid_params',
    );
    await project.clock.advance(25 * 3_600_000);
    expect((await cancel()).changed).toBe(true);
    expect((await project.actor(taskId)).facts.state).toBe('canceled');
  });

  test('the same request at the same time is one', async () => {
    const results = await Promise.all(
      Array.from({ length: 8 }, async () => project.call('conductor_run_plan', { plan: PLAN }, { requestId: 'same' })),
    );
    expect(new Set(results.map(({ objectiveId }) => objectiveId)).size).toBe(1);
    expect((await project.store.counts()).objective).toEqual({ active: 1 });
  });

  test('I3: a failure inside is an internal error with its cause, not a stack', async () => {
    const broken = project.invoke(
      'conductor_get_project',
      {},
      {
        reader: {
          ...project.store,
          counts: async () => {
            throw new TypeError('x is undefined');
          },
        } as never,
      },
    );
    const error: unknown = await broken.catch((cause: unknown) => cause);
    expect(isConductorError(error, 'internal')).toBe(true);
    expect(JSON.stringify(error)).not.toContain('undefined');
  });
});

/** A runner that takes everything. */
const child: ChildChannel = {
  runId: `run-${'1'.repeat(20)}`,
  taskId: `task-${'1'.repeat(20)}`,
  report: async () => ({ applied: true }),
  stage: async ({ type, path }) => ({ type, name: path, bytes: 1 }),
};

/** One of everything, in many states; the ids of all of it. */
const populate = async (): Promise<string[]> => {
  const { objectiveId, tasks } = await project.call('conductor_run_plan', { plan: PLAN });
  const { objectiveId: draft } = await project.call('conductor_create_objective', { title: 'x' });
  const make = async (more: object = {}) =>
    (await project.call('conductor_create_task', { title: 'x', run: 'x', ...more })).taskId;
  const made = [
    await make(),
    await make({ draft: true, objectiveId: draft }),
    await make(),
    await make(),
    await make(),
  ];
  const runs = [
    await project.runTo(made[0]!, 'partial'),
    await project.runTo(made[2]!, 'failed'),
    await project.runTo(made[3]!, 'succeeded'),
    await project.start(made[4]!),
  ];
  const { workerId } = await project.call('conductor_create_worker', { name: 'bench' });
  const { gateId } = await project.call('conductor_create_gate', {
    type: 'approval_required',
    requestedDecision: 'x',
  });
  return [
    objectiveId,
    draft,
    ...Object.values(tasks),
    ...made,
    ...runs,
    workerId,
    gateId,
    'bench',
    'main',
    `gate-${runs[0]!.slice(4)}`,
  ];
};
describe('fuzzing', () => {
  // It waits for a run that nobody ends here; start_task_run is the same up to there.
  const called = operations.filter(({ name }) => name !== 'conductor_run_task');

  test.each(called.map((operation) => [operation.name, operation] as const))('%s', async (name, operation) => {
    const ids = await populate();
    const right = valuesOf(operation.params as Schema, ids);
    const params = fc.oneof({ arbitrary: right, weight: 3 }, { arbitrary: mangled(right), weight: 2 }, fc.jsonValue());
    await fc.assert(
      fc.asyncProperty(params, fc.constantFrom(...operation.principals), async (value, principal) => {
        const before = sha256(canonicalJson(await project.state()));
        try {
          await project.invoke(name, value, { principal, child: principal === 'child_run' ? child : null });
        } catch (error) {
          if (!isConductorError(error)) throw error;
          expect(error.code, error.message).not.toBe('internal');
          // V1: what the compiled schema refuses, the walker can explain.
          expect(error.message).not.toContain('does not fit the parameters');
          expect(() => JSON.stringify(error)).not.toThrow();
          expect(error.message.length).toBeLessThan(6_000);
          expect(sha256(canonicalJson(await project.state()))).toBe(before);
          return;
        }
        if (!operation.mutates) expect(sha256(canonicalJson(await project.state()))).toBe(before);
      }),
      { numRuns: 40 },
    );
  });
});
