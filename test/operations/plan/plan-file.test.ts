/**
 * Goal: a plan means the same in YAML, in JSON and as a value; a wrong one is refused with every fault and its place, and
 * nothing that anybody can write ends in another way.
 * Method: properties over generated plans and over garbage, and a table of wrong plans with their exact messages.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { isConductorError, type ConductorError } from '../../../src/machines/errors.ts';
import { parsePlan, parsePlanValue, planOfCommand } from '../../../src/operations/plan/plan-file.ts';
import { findCycle } from '../../../src/operations/plan/plan-rules.ts';
import { PLAN_LIMITS, planSchemaJson, type PlanDocument } from '../../../src/operations/plan/plan-schema.ts';
import { PROBLEMS_MAX } from '../../../src/operations/schema-problems.ts';
import { PLAN_ID_PATTERN, WORKER_NAME_PATTERN } from '../../../src/supervisor/specs/task-spec.ts';

const refusalOf = (read: () => unknown): ConductorError => {
  try {
    read();
  } catch (error) {
    if (isConductorError(error)) return error;
    throw error;
  }
  throw new Error('it was accepted');
};
const messageOf = (text: string): string => refusalOf(() => parsePlan(text, 'plan.yaml')).message;

const word = fc.stringMatching(/^[a-z][a-z ]{0,20}[a-z]$/);
const command = fc.oneof(word, fc.array(word, { minLength: 1, maxLength: 3 }));
const limit = fc.oneof(fc.constant(0), fc.integer({ min: 1_000, max: 604_800_000 }));
const keys = {
  writeScope: fc.array(fc.stringMatching(/^[a-z]{1,8}(\/[a-z]{1,8})?$/), { maxLength: 3 }),
  verify: fc.array(command, { maxLength: 3 }),
  completion: fc.constantFrom<'explicit' | 'exit-code'>('explicit', 'exit-code'),
  retry: fc.record({ maxAttempts: fc.integer({ min: 1, max: 100 }) }),
  timeoutMs: limit,
  idleMs: limit,
  env: fc.dictionary(fc.stringMatching(/^[A-Z_][A-Z0-9_]{0,8}$/), fc.string({ unit: 'grapheme' }), { maxKeys: 3 }),
  base: fc.constantFrom('main', 'HEAD~2', 'v1.0'),
  runtimeMode: fc.constantFrom<'pty' | 'tmux'>('pty', 'tmux'),
};
const plans: fc.Arbitrary<PlanDocument> = fc
  .uniqueArray(fc.stringMatching(new RegExp(PLAN_ID_PATTERN)), { minLength: 1, maxLength: 8 })
  .chain((ids) =>
    fc.record(
      {
        objective: word,
        maxConcurrency: fc.integer({ min: 1, max: 64 }),
        setup: fc.array(command, { maxLength: 2 }),
        defaults: fc.record(keys, { requiredKeys: [] }),
        tasks: fc.tuple(
          ...ids.map((id, index) =>
            fc.record(
              {
                id: fc.constant(id),
                run: command,
                title: word,
                workerName: fc.stringMatching(new RegExp(WORKER_NAME_PATTERN)),
                dependsOn: fc.subarray(ids.slice(0, index)),
                ...keys,
              },
              { requiredKeys: ['id', 'run'] },
            ),
          ),
        ),
      },
      { requiredKeys: ['objective', 'tasks'] },
    ),
  ) as fc.Arbitrary<PlanDocument>;

describe('a plan', () => {
  test('means the same as YAML, as JSON and as a value', () => {
    fc.assert(
      fc.property(plans, (document) => {
        const plan = parsePlanValue(document);
        expect(parsePlan(JSON.stringify(document, null, 2))).toEqual(plan);
        expect(parsePlan(stringify(document))).toEqual(plan);
        expect(plan.tasks.map(({ id }) => id)).toEqual(document.tasks.map(({ id }) => id));
      }),
      { numRuns: 60 },
    );
  });

  test('F2: a task beats the defaults, which beat what is built in; names are joined', () => {
    const plan = parsePlan(`
objective: Ship it
defaults: {run: make, timeoutMs: 5000, env: {A: '1', B: '2'}, retry: {maxAttempts: 3}, runtimeMode: iterm-tmux}
tasks:
  - id: one
  - {id: two, run: [make, all], timeoutMs: 0, env: {B: '3'}, retry: {backoffMs: 7}, dependsOn: [one, {id: three, needs: order}]}
  - {id: three, agent: pi, prompt: Think}
`);
    expect(plan.tasks[0]).toMatchObject({ title: 'one', run: 'make', timeoutMs: 5_000, idleMs: null, verify: null });
    expect(plan.tasks[1]).toMatchObject({
      run: ['make', 'all'],
      timeoutMs: 0,
      env: { A: '1', B: '3' },
      retry: { maxAttempts: 3, backoffMs: 7, backoffMaxMs: 60_000 },
      runtimeMode: 'viewer',
      dependsOn: [
        { id: 'one', needs: 'code' },
        { id: 'three', needs: 'order' },
      ],
    });
    expect(plan.tasks[2]).toMatchObject({ agent: 'pi', run: null, prompt: 'Think' });
  });

  test('run -- PROGRAM makes one task whose exit code is its completion', () => {
    expect(planOfCommand({ title: 'Try', command: ['make', '-j2'], timeoutMs: 2_000 })).toMatchObject({
      objective: 'Try',
      tasks: [{ id: 'main', title: 'Try', run: ['make', '-j2'], completion: 'exit-code', timeoutMs: 2_000 }],
    });
    expect(refusalOf(() => planOfCommand({ title: '', command: [] })).message).toBe(
      'run: objective must not be empty\nrun: tasks[0].title must not be empty\nrun: tasks[0].run needs at least 1 entry',
    );
  });
});

const task = (rest: string): string => `objective: x\ntasks:\n  - id: a\n    run: make\n    ${rest}\n`;

describe('a wrong plan is refused by name and place', () => {
  test.each<[string, string, string]>([
    ['nothing at all', '', 'plan.yaml:1:1: the value is empty: it holds no plan'],
    ['a list', '- a', 'plan.yaml:1:1: the value must be an object, not a list'],
    ['a missing key', 'objective: x\n', 'plan.yaml:1:1: tasks is missing'],
    ['no task', 'objective: x\ntasks: []', 'plan.yaml:2:8: tasks needs at least 1 entry'],
    ['a key twice', 'objective: x\nobjective: y\ntasks: []', 'plan.yaml:2:1: Map keys must be unique'],
    ['a misspelt key', task('titel: T'), 'plan.yaml:5:5: tasks[0].titel is not a known key: did you mean title?'],
    [
      'a foreign key',
      'objective: x\nowner: me\ntasks: [{id: a, run: b}]',
      'plan.yaml:2:1: owner is not a known key: known are objective, maxConcurrency, setup, defaults, tasks',
    ],
    [
      'an id in capitals',
      'objective: x\ntasks: [{id: A, run: b}]',
      'plan.yaml:2:14: tasks[0].id must begin with a letter or digit and hold only a-z, 0-9, - and _, at most 63 characters',
    ],
    [
      'a limit that is too short',
      task('timeoutMs: 5'),
      'plan.yaml:5:16: tasks[0].timeoutMs must be 0 or a whole number from 1000 to 604800000',
    ],
    [
      'too much at once',
      'objective: x\nmaxConcurrency: 65\ntasks: [{id: a, run: b}]',
      'plan.yaml:2:17: maxConcurrency must be a whole number from 1 to 64, not 65',
    ],
    ['another agent', task('agent: claude'), 'plan.yaml:5:12: tasks[0].agent must be one of "command", "pi"'],
    [
      'our own variable',
      task('env: {CONDUCTOR_HOME: /x}'),
      'plan.yaml:5:11: tasks[0].env.CONDUCTOR_HOME is refused: names that begin with CONDUCTOR_ are set by conductor',
    ],
    ['a number as a variable', task('env: {A: 1}'), 'plan.yaml:5:14: tasks[0].env.A must be a text, not 1'],
    [
      'a path that leaves',
      task('writeScope: [src, ../x]'),
      'plan.yaml:5:23: tasks[0].writeScope[1] must not leave the repository with ..',
    ],
    [
      'a base that reads as an option',
      task('base: --upload-pack=x'),
      'plan.yaml:5:11: tasks[0].base is not a commit-ish: a branch, a tag or a commit',
    ],
    ['an empty command', task("verify: ['  ']"), 'plan.yaml:5:14: tasks[0].verify[0] names no program'],
    [
      'a program of no agent',
      'objective: x\ntasks: [{id: a, agent: command}]',
      'plan.yaml:2:9: tasks[0].run is missing: a command agent needs the program to run',
    ],
    [
      'neither run nor prompt',
      'objective: x\ntasks: [{id: a}]',
      'plan.yaml:2:9: tasks[0] needs run (a command) or prompt (for an agent)',
    ],
    ['itself as dependency', task('dependsOn: [a]'), 'plan.yaml:5:17: tasks[0].dependsOn[0] names the task itself'],
    [
      'an unknown dependency',
      'objective: x\ntasks: [{id: build, run: x}, {id: b, run: x, dependsOn: [biuld]}]',
      'plan.yaml:2:58: tasks[1].dependsOn[0] names biuld, which is no task of this plan; did you mean build?',
    ],
    [
      'an id twice',
      'objective: x\ntasks: [{id: a, run: x}, {id: a, run: y}]',
      'plan.yaml:2:31: tasks[1].id is taken: tasks[0] is called a too',
    ],
    [
      'a cycle',
      'objective: x\ntasks: [{id: a, run: x, dependsOn: [c]}, {id: b, run: x, dependsOn: [a]}, {id: c, run: x, dependsOn: [b]}]',
      'plan.yaml:2:36: tasks[0].dependsOn never ends: a -> c -> b -> a',
    ],
    [
      'an open bracket',
      'objective: [',
      'plan.yaml:1:13: Flow sequence in block collection must be sufficiently indented and end with a ]',
    ],
    [
      'two documents',
      'objective: x\n---\nobjective: y',
      'plan.yaml:2:1: Source contains multiple documents; please use YAML.parseAllDocuments()',
    ],
    ['a tag', 'objective: !!js/function x\ntasks: []', 'plan.yaml:1:12: Unresolved tag: tag:yaml.org,2002:js/function'],
    ['endless nesting', '['.repeat(100_000), 'plan.yaml:1:1: is nested more than 64 levels deep'],
    ['endless nesting in blocks', '- '.repeat(50_000), 'plan.yaml:1:1: is nested more than 64 levels deep'],
    [
      'too many aliases',
      `a: &a [x]\nb: [${Array.from({ length: 200 }, () => '*a').join(', ')}]`,
      'plan.yaml:1:1: uses more than 100 aliases, or one that leads to itself',
    ],
  ])('%s', (_, text, message) => {
    expect(messageOf(text)).toBe(message);
  });

  test('more than a mebibyte is not read', () => {
    expect(messageOf(`objective: x\n# ${'é'.repeat(PLAN_LIMITS.bytesMax / 2)}`)).toContain('at most 1048576 are read');
  });

  test('at most 20 faults are told, in the order of the file, and how many there are', () => {
    const error = refusalOf(() =>
      parsePlan(
        `objective: x\ntasks:\n${Array.from({ length: 30 }, (_, index) => `  - {id: t${String(index)}, run: ' '}`).join('\n')}`,
      ),
    );
    const problems = error.details['problems'] as { line: number; col: number; path: string; message: string }[];
    expect(problems).toHaveLength(PROBLEMS_MAX);
    expect(problems[0]).toEqual({ line: 3, col: 19, path: 'tasks[0].run', message: 'names no program' });
    expect(problems.map(({ line }) => line)).toEqual(problems.map((_, index) => index + 3));
    expect(error.details['total']).toBe(30);
    expect(error.code).toBe('invalid_params');
  });

  test('brackets inside a prompt are text', () => {
    const text = `objective: x\ntasks:\n  - id: a\n    run: b\n    prompt: |\n      ${'[{'.repeat(500)}\n`;
    expect(parsePlan(text).tasks[0]?.prompt).toContain('[{[{');
  });

  test('F1: whatever is written is a plan or a refusal', () => {
    const garbage = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 300 }),
      fc
        .array(
          fc.constantFrom(
            'objective: x\n',
            'tasks:\n',
            '  - id: a\n',
            '    run: ',
            '- ',
            '? ',
            '[',
            '{',
            '}',
            ': ',
            '&a ',
            '*a',
            '|\n',
            '"',
            '\t',
            '\n',
            '!!str ',
            '<<: *a\n',
            '__proto__: {}\n',
          ),
        )
        .map((parts) => parts.join('')),
      fc.jsonValue().map((value) => JSON.stringify(value)),
    );
    fc.assert(
      fc.property(garbage, (text) => {
        try {
          parsePlan(text);
        } catch (error) {
          expect(isConductorError(error, 'invalid_params'), String(error)).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('F1: one wrong value in a right plan is found where it stands', () => {
    fc.assert(
      fc.property(plans, fc.nat(), fc.constantFrom('colour', 'id ', 'Run'), (document, place, key) => {
        const index = place % document.tasks.length;
        const wrong = {
          ...document,
          tasks: document.tasks.map((one, at) => (at === index ? { ...one, [key]: 1 } : one)),
        };
        const error = refusalOf(() => parsePlan(JSON.stringify(wrong, null, 1)));
        expect(error.details['problems']).toMatchObject([{ path: `tasks[${String(index)}].${key}` }]);
      }),
      { numRuns: 50 },
    );
  });
});

describe('cycles', () => {
  test('a chain of a thousand is no cycle; closing it is one', () => {
    const chain = new Map(
      Array.from({ length: 1_000 }, (_, index) => [`t${String(index)}`, index === 0 ? [] : [`t${String(index - 1)}`]]),
    );
    expect(findCycle(chain)).toBeNull();
    chain.set('t0', ['t999']);
    expect(findCycle(chain)).toHaveLength(1_001);
  });

  test('a found cycle is one, and only graphs without order have one', () => {
    const graphs = fc.array(fc.tuple(fc.nat(9), fc.nat(9)), { maxLength: 25 });
    fc.assert(
      fc.property(graphs, (pairs) => {
        const edges = new Map<string, string[]>();
        for (const [from, to] of pairs)
          if (from !== to) edges.set(String(from), [...(edges.get(String(from)) ?? []), String(to)]);
        const cycle = findCycle(edges);
        if (cycle === null) {
          const left = new Map(edges);
          for (let again = true; again;) {
            const free = [...left].filter(([, targets]) => targets.every((target) => !left.has(target)));
            free.forEach(([id]) => left.delete(id));
            again = free.length > 0;
          }
          expect(left.size).toBe(0);
        } else {
          expect(cycle[0]).toBe(cycle.at(-1));
          for (let at = 1; at < cycle.length; at += 1) expect(edges.get(cycle[at - 1]!)).toContain(cycle[at]);
        }
      }),
    );
  });
});

test('the published schema is plain JSON Schema with the same keys', () => {
  const schema = JSON.parse(planSchemaJson()) as { properties: object; additionalProperties: boolean };
  expect(Object.keys(schema.properties)).toEqual(['objective', 'maxConcurrency', 'setup', 'defaults', 'tasks']);
  expect(schema.additionalProperties).toBe(false);
  expect(planSchemaJson()).not.toContain('patternSays');
});
