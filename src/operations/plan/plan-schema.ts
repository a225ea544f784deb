/**
 * The plan file as a schema: the exact keys, their bounds, and one sentence each. Published as JSON Schema, so that editors
 * check a plan while it is written.
 */
import { Type, type Static, type TSchema } from 'typebox';
import {
  CommandLineSchema,
  CompletionSchema,
  ENV_NAME_PATTERN,
  LimitMsSchema,
  PLAN_ID_PATTERN,
  TASK_DEFAULTS,
  TASK_LIMITS,
  WORKER_NAME_PATTERN,
} from '../../supervisor/specs/task-spec.ts';

export const PLAN_LIMITS = {
  /** Bytes of the whole document in UTF-8. */
  bytesMax: 1_048_576,
  tasksMax: 1_000,
  /** Dependencies of all tasks together: a plan is created in one commit of at most 5,000 messages. */
  dependenciesMax: 2_500,
  concurrencyMax: 64,
  concurrencyDefault: 4,
} as const;

const optional = <S extends TSchema>(schema: S, description: string) => Type.Optional({ ...schema, description } as S);
const closed = <Fields extends Parameters<typeof Type.Object>[0]>(fields: Fields) =>
  Type.Object(fields, { additionalProperties: false });
const wait = Type.Integer({ minimum: 0, maximum: 86_400_000 });
const commands = Type.Array(CommandLineSchema, { maxItems: TASK_LIMITS.commandsMax });
const PlanIdSchema = Type.String({
  pattern: PLAN_ID_PATTERN,
  patternSays: 'begin with a letter or digit and hold only a-z, 0-9, - and _, at most 63 characters',
});
const EnvSchema = Type.Unsafe<Readonly<Record<string, string>>>(
  Type.Record(Type.String({ pattern: ENV_NAME_PATTERN }), Type.String({ maxLength: TASK_LIMITS.envValueMax }), {
    additionalProperties: false,
    maxProperties: TASK_LIMITS.envMax,
  }),
);

/** `tmux` and `iterm-tmux` are older names of `pty` and `viewer`. */
const RuntimeModeNameSchema = Type.Union([
  Type.Literal('headless'),
  Type.Literal('pty'),
  Type.Literal('viewer'),
  Type.Literal('tmux'),
  Type.Literal('iterm-tmux'),
]);

const sharedKeys = {
  agent: optional(
    Type.Union([Type.Literal('command'), Type.Literal('pi')]),
    'What does the thinking. Default: command when there is a `run`, else pi.',
  ),
  run: optional(CommandLineSchema, 'The program: a text is run by /bin/sh -c, a list is argv without a shell.'),
  prompt: optional(
    Type.String({ minLength: 1, maxLength: TASK_LIMITS.promptBytesMax }),
    'What shall be done. A command finds it in the file that CONDUCTOR_PROMPT_FILE names. At most 100 KiB.',
  ),
  base: optional(
    Type.String({ minLength: 1, maxLength: TASK_LIMITS.baseMax }),
    'Where it starts: a commit-ish. Default: HEAD when the objective is created.',
  ),
  writeScope: optional(
    Type.Array(Type.String({ minLength: 1, maxLength: TASK_LIMITS.pathMax }), { maxItems: TASK_LIMITS.writeScopeMax }),
    'Relative paths that it may change. Default: anywhere. Overlapping scopes never run together.',
  ),
  verify: optional(
    commands,
    'Commands that prove the result, in order; the first red one stops. Default: the configuration.',
  ),
  completion: optional(
    CompletionSchema,
    'explicit (default): it must say that it is complete. exit-code: exit code 0 is the completion.',
  ),
  retry: optional(
    closed({
      maxAttempts: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
      backoffMs: Type.Optional(wait),
      backoffMaxMs: Type.Optional(wait),
    }),
    `Automatic retries; maxAttempts counts the first attempt. Default: ${JSON.stringify(TASK_DEFAULTS.retry)}.`,
  ),
  restart: optional(
    closed({
      intensity: Type.Optional(Type.Integer({ minimum: 0, maximum: 100 })),
      periodMs: Type.Optional(Type.Integer({ minimum: 1_000, maximum: 86_400_000 })),
      backoffMs: Type.Optional(wait),
      backoffMaxMs: Type.Optional(wait),
    }),
    `New runners for a run whose runner was lost. Default: ${JSON.stringify(TASK_DEFAULTS.restart)}.`,
  ),
  timeoutMs: optional(LimitMsSchema, 'Longest duration of a run in ms; 0 = no limit. Default: a day.'),
  idleMs: optional(LimitMsSchema, 'Longest silence of a run in ms; 0 = no limit. Default: 30 minutes.'),
  env: optional(
    EnvSchema,
    'Literal values for its environment. Secrets are granted by name in the configuration instead.',
  ),
  runtimeMode: optional(
    RuntimeModeNameSchema,
    'headless (default), pty (a terminal to attach to), viewer (opens it too).',
  ),
};

export const PlanDependencySchema = Type.Union([
  PlanIdSchema,
  closed({ id: PlanIdSchema, needs: Type.Optional(Type.Union([Type.Literal('code'), Type.Literal('order')])) }),
]);

/** What a task may be given besides its place in a plan. */
export const PLAN_TASK_KEYS = {
  workerName: optional(
    Type.String({
      pattern: WORKER_NAME_PATTERN,
      patternSays: 'begin with a letter or digit and hold only a-z, 0-9, ., - and _, at most 63 characters',
    }),
    'Uses this worker alone; other tasks with the name wait.',
  ),
  ...sharedKeys,
};

export const PlanTaskSchema = closed({
  id: { ...PlanIdSchema, description: 'Name of the task inside the plan.' } as typeof PlanIdSchema,
  title: optional(Type.String({ minLength: 1, maxLength: TASK_LIMITS.titleMax }), 'For people. Default: the id.'),
  dependsOn: optional(
    Type.Array(PlanDependencySchema, { maxItems: TASK_LIMITS.dependenciesMax }),
    'Tasks that must be completed first. Their work is merged into the base, unless needs is order.',
  ),
  ...PLAN_TASK_KEYS,
});

export const PlanSchema = closed({
  objective: Type.String({ minLength: 1, maxLength: TASK_LIMITS.titleMax, description: 'The goal, in one line.' }),
  maxConcurrency: optional(
    Type.Integer({ minimum: 1, maximum: PLAN_LIMITS.concurrencyMax }),
    `Runs at one time. Default: ${String(PLAN_LIMITS.concurrencyDefault)}.`,
  ),
  setup: optional(
    commands,
    'Commands for every new or recovered worktree, at most 10 minutes. Default: the configuration.',
  ),
  defaults: optional(closed(sharedKeys), 'Values for every task that does not give its own.'),
  tasks: Type.Array(PlanTaskSchema, { minItems: 1, maxItems: PLAN_LIMITS.tasksMax }),
});
/** A plan as it is written: defaults not applied, references not resolved. */
export type PlanDocument = Static<typeof PlanSchema>;
export type PlanTaskDocument = PlanDocument['tasks'][number];

/** The published `plan.schema.json`, with a newline at the end. */
export const planSchemaJson = (): string =>
  `${JSON.stringify(
    {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      $id: 'https://conductor-kernel.dev/plan.schema.json',
      title: 'Conductor plan',
      ...withoutOwnKeywords(PlanSchema),
    },
    null,
    2,
  )}\n`;

/** `patternSays` is ours: editors would call it an unknown keyword. */
const withoutOwnKeywords = (schema: object): object =>
  JSON.parse(JSON.stringify(schema, (key, value: unknown) => (key === 'patternSays' ? undefined : value))) as object;
