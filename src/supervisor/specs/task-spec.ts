/**
 * The full description of a task, stored once as a blob under its SHA-256; machines carry the hash alone.
 *
 * S1. A spec never changes: another wording is another blob, and the task's revision grows.
 * S2. The same spec has the same bytes (canonical JSON), hence the same address, in every process and version.
 * S3. A spec lives in the project's database and nowhere in the journal. `env` holds the literal values that the user wrote
 *     into the plan; what is secret belongs in `envNames`: names only, their values arrive with the run and are never stored.
 * S4. A prompt longer than `promptInlineMax` lies in a blob of its own (`promptBlob`), so that lists of specs stay small.
 */
import { Type, type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { ConductorError } from '../../machines/errors.ts';
import { BlobHashSchema, closed, nullable, TaskIdSchema } from '../../machines/schema.ts';
import { RestartPolicySchema, RetryPolicySchema, type RunPolicy } from '../../machines/task/model.ts';
import type { CommandLine } from '../runners/contract.ts';
import { canonicalJson, sha256 } from './canonical-json.ts';

/** What a task may hold; the plan parser, the operations and `decodeSpec` all judge by this table. */
export const TASK_LIMITS = {
  /** Characters of a title. */
  titleMax: 200,
  /** Bytes of a prompt in UTF-8. */
  promptBytesMax: 102_400,
  /** Characters of a prompt that stay inside the spec. */
  promptInlineMax: 16_384,
  /** Commands in `setup`, and in `verify`. */
  commandsMax: 16,
  /** Characters of one command given as a text, and of one argument. */
  commandTextMax: 32_768,
  /** Arguments of one command given as a list. */
  argumentsMax: 1_024,
  dependenciesMax: 1_000,
  writeScopeMax: 64,
  /** Characters of one path of the write scope. */
  pathMax: 1_024,
  /** Names in `env`, and in `envNames`. */
  envMax: 64,
  /** Characters of one value in `env`. */
  envValueMax: 32_768,
  /** Characters of a commit-ish. */
  baseMax: 255,
  artifactTypesMax: 16,
  /** Smallest limit in ms that is not 0 (off). */
  limitMsMin: 1_000,
  /** A week in ms. */
  limitMsMax: 604_800_000,
} as const;

/** Values of what nobody says. Milliseconds where a name ends in Ms. */
export const TASK_DEFAULTS = {
  completion: 'explicit',
  retry: { maxAttempts: 1, backoffMs: 1_000, backoffMaxMs: 60_000 },
  restart: { intensity: 3, periodMs: 600_000, backoffMs: 1_000, backoffMaxMs: 30_000 },
  /** A day. */
  timeoutMs: 86_400_000,
  /** Half an hour without output or report. */
  idleMs: 1_800_000,
  runtimeMode: 'headless',
} as const;

/** The whole setup of one worktree may take this long, in ms. */
export const SETUP_MS_MAX = 600_000;

export const PLAN_ID_PATTERN = '^[a-z0-9][a-z0-9_-]{0,62}$';
export const WORKER_NAME_PATTERN = '^[a-z0-9][a-z0-9._-]{0,62}$';
/** Names of the environment; those that begin with CONDUCTOR_ are ours and refused. */
export const ENV_NAME_PATTERN = '^(?!CONDUCTOR_)[A-Za-z_][A-Za-z0-9_]{0,127}$';

const commandText = Type.String({ minLength: 1, maxLength: TASK_LIMITS.commandTextMax });
/** A text for `/bin/sh -c`, or argv without a shell. */
export const CommandLineSchema = Type.Unsafe<CommandLine>(
  Type.Union([
    commandText,
    Type.Array(Type.String({ maxLength: TASK_LIMITS.commandTextMax }), {
      minItems: 1,
      maxItems: TASK_LIMITS.argumentsMax,
    }),
  ]),
);

/** 0 = no limit. */
export const LimitMsSchema = Type.Union([
  Type.Literal(0),
  Type.Integer({ minimum: TASK_LIMITS.limitMsMin, maximum: TASK_LIMITS.limitMsMax }),
]);
export const LogBytesSchema = Type.Integer({ minimum: 65_536, maximum: 1_073_741_824 });
export const WorkerNameSchema = Type.String({ pattern: WORKER_NAME_PATTERN });
export const RuntimeModeSchema = Type.Union([Type.Literal('headless'), Type.Literal('pty'), Type.Literal('viewer')]);
export const CompletionSchema = Type.Union([Type.Literal('explicit'), Type.Literal('exit-code')]);
const commands = Type.Array(CommandLineSchema, { maxItems: TASK_LIMITS.commandsMax });

export const TaskSpecSchema = closed({
  title: Type.String({ minLength: 1, maxLength: TASK_LIMITS.titleMax }),
  /** The task's id in its plan file, or null. */
  planId: nullable(Type.String({ pattern: PLAN_ID_PATTERN })),
  agent: Type.Union([Type.Literal('command'), Type.Literal('pi')]),
  /** The program of a `command` agent; null for the others. */
  run: nullable(CommandLineSchema),
  /** At most one of `prompt` and `promptBlob` is set. */
  prompt: nullable(Type.String({ maxLength: TASK_LIMITS.promptInlineMax })),
  promptBlob: nullable(BlobHashSchema),
  /** In plan order. `code`: their branches are merged into the base; `order`: only their end is waited for. */
  dependsOn: Type.Array(
    closed({ taskId: TaskIdSchema, needs: Type.Union([Type.Literal('code'), Type.Literal('order')]) }),
    { maxItems: TASK_LIMITS.dependenciesMax },
  ),
  /** A commit-ish; null: the objective's base commit. */
  base: nullable(Type.String({ minLength: 1, maxLength: TASK_LIMITS.baseMax })),
  workerName: nullable(WorkerNameSchema),
  /** Relative paths that the task may change; empty: anywhere. */
  writeScope: Type.Array(Type.String({ minLength: 1, maxLength: TASK_LIMITS.pathMax }), {
    maxItems: TASK_LIMITS.writeScopeMax,
  }),
  setup: commands,
  verify: commands,
  completion: CompletionSchema,
  retry: RetryPolicySchema,
  restart: RestartPolicySchema,
  timeoutMs: LimitMsSchema,
  idleMs: LimitMsSchema,
  /** Size of one of its four log files, in bytes; absent: 16 MiB. */
  logBytesMax: Type.Optional(LogBytesSchema),
  /** Literal values of the plan. */
  env: Type.Record(Type.String({ pattern: ENV_NAME_PATTERN }), Type.String({ maxLength: TASK_LIMITS.envValueMax }), {
    maxProperties: TASK_LIMITS.envMax,
    additionalProperties: false,
  }),
  /** Names that the user's configuration grants. */
  envNames: Type.Array(Type.String({ pattern: ENV_NAME_PATTERN }), { maxItems: TASK_LIMITS.envMax }),
  runtimeMode: RuntimeModeSchema,
  /** Whether its run may create follow-up tasks. */
  mayFollowUp: Type.Boolean(),
  /** Artifact types without which a run does not count as done. */
  artifactsRequired: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 64 }), { maxItems: TASK_LIMITS.artifactTypesMax }),
  ),
});
export type TaskSpec = Static<typeof TaskSpecSchema>;
export type RuntimeMode = TaskSpec['runtimeMode'];

/** Of the stored form; a reader that knows less refuses it. */
const SCHEMA_VERSION = 1;
const isSpec = Compile(TaskSpecSchema);

/** A spec with the defaults for everything that is not given. */
export const createSpec = (given: Partial<TaskSpec> & Pick<TaskSpec, 'title'>): TaskSpec => ({
  planId: null,
  agent: given.run === undefined || given.run === null ? 'pi' : 'command',
  run: null,
  prompt: null,
  promptBlob: null,
  dependsOn: [],
  base: null,
  workerName: null,
  writeScope: [],
  setup: [],
  verify: [],
  env: {},
  envNames: [],
  mayFollowUp: false,
  ...TASK_DEFAULTS,
  ...given,
});

/**
 * The bytes of a spec and their address.
 * @throws ConductorError `invalid_params` when it breaks a limit; the message names the field.
 */
export const encodeSpec = (spec: TaskSpec): { readonly hash: string; readonly data: Uint8Array } => {
  if (!isSpec.Check(spec)) {
    const [first] = isSpec.Errors(spec);
    const field = first?.instancePath.slice(1).replaceAll('/', '.') ?? '';
    throw new ConductorError(
      'invalid_params',
      `the task's ${field === '' ? 'spec' : field} ${first?.message ?? 'is wrong'}`,
      {
        details: { field },
      },
    );
  }
  const data = new TextEncoder().encode(canonicalJson({ schemaVersion: SCHEMA_VERSION, ...spec }));
  return { hash: sha256(data), data };
};

/** @throws ConductorError `store_damaged` for bytes that are no spec, `store_too_new` for one of a later version. */
export const decodeSpec = (data: Uint8Array): TaskSpec => {
  let stored: unknown;
  try {
    stored = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(data));
  } catch (cause) {
    throw new ConductorError('store_damaged', 'a stored task is not JSON: run conductor doctor', { cause });
  }
  const { schemaVersion, ...spec } = (typeof stored === 'object' && stored !== null ? stored : {}) as Record<
    string,
    unknown
  >;
  if (typeof schemaVersion === 'number' && schemaVersion > SCHEMA_VERSION) {
    throw new ConductorError(
      'store_too_new',
      `a stored task has format ${String(schemaVersion)}, this version reads up to ${String(SCHEMA_VERSION)}: upgrade conductor`,
    );
  }
  if (!isSpec.Check(spec))
    throw new ConductorError('store_damaged', 'a stored task is not a task: run conductor doctor');
  return spec;
};

/** What the task machine keeps of a spec. */
export const runPolicyOf = (spec: TaskSpec): RunPolicy => ({
  completion: spec.completion,
  verifies: spec.verify.length > 0,
  restart: spec.restart,
});

/** Splits a prompt by length (S4). @returns the two fields of the spec, and the blob to store when there is one. */
export const placePrompt = (
  prompt: string | null,
): Pick<TaskSpec, 'prompt' | 'promptBlob'> & {
  readonly blob: { readonly hash: string; readonly data: Uint8Array } | null;
} => {
  if (prompt === null || prompt.length <= TASK_LIMITS.promptInlineMax) return { prompt, promptBlob: null, blob: null };
  const data = new TextEncoder().encode(prompt);
  const hash = sha256(data);
  return { prompt: null, promptBlob: hash, blob: { hash, data } };
};
