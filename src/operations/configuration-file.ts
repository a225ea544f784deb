/** A configuration file: the user's own, or a repository's `.conductor/config.yaml`. The same keys, the same reader. */
import { Type, type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import {
  CommandLineSchema,
  ENV_NAME_PATTERN,
  LimitMsSchema,
  LogBytesSchema,
  TASK_LIMITS,
} from '../supervisor/specs/task-spec.ts';
import { readDocument, type DocumentRules } from './plan/document-reader.ts';
import { commandProblem } from './plan/plan-rules.ts';
import { PLAN_LIMITS } from './plan/plan-schema.ts';
import type { SchemaProblem } from './schema-problems.ts';

/** Where a repository keeps it. */
export const REPOSITORY_CONFIGURATION = '.conductor/config.yaml';
/** Bytes of one file. */
export const CONFIGURATION_BYTES_MAX = 262_144;

const commands = Type.Array(CommandLineSchema, { maxItems: TASK_LIMITS.commandsMax });

export const ConfigurationFileSchema = Type.Object(
  {
    /** For every new or recovered worktree. */
    setup: Type.Optional(commands),
    verify: Type.Optional(commands),
    /** Runs of one objective at one time. */
    maxConcurrency: Type.Optional(Type.Integer({ minimum: 1, maximum: PLAN_LIMITS.concurrencyMax })),
    /** Runs of the project at one time. */
    projectMax: Type.Optional(Type.Integer({ minimum: 1, maximum: 256 })),
    /** ms; 0 = no limit. */
    timeoutMs: Type.Optional(LimitMsSchema),
    idleMs: Type.Optional(LimitMsSchema),
    /** Bytes of one log file; four are kept. */
    logBytesMax: Type.Optional(LogBytesSchema),
    /** Where worktrees stand; relative to the repository's root. */
    worktreesDir: Type.Optional(Type.String({ minLength: 1, maxLength: TASK_LIMITS.pathMax })),
    /** Names of variables that runs are given. */
    env: Type.Optional(
      Type.Array(
        Type.String({
          pattern: ENV_NAME_PATTERN,
          patternSays: 'be the name of a variable, and not begin with CONDUCTOR_',
        }),
        { maxItems: TASK_LIMITS.envMax },
      ),
    ),
    branchPrefix: Type.Optional(
      Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$', patternSays: 'be one part of a branch name' }),
    ),
    /**
     * Filter drivers, e.g. `lfs`, that may run with the values of the user's own git configuration. They are programs that
     * read what the repository holds: only the user's file may name them.
     */
    gitFilters: Type.Optional(
      Type.Array(
        Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$', patternSays: 'be the name of a filter driver' }),
        { maxItems: TASK_LIMITS.envMax },
      ),
    ),
    /** Days after which settled objectives move to the archive. */
    retainDays: Type.Optional(Type.Integer({ minimum: 1, maximum: 36_500 })),
    /** ms without work and clients after which a supervisor that was started by itself ends; 0 = never. */
    idleExitMs: Type.Optional(LimitMsSchema),
  },
  { additionalProperties: false },
);
export type ConfigurationFile = Static<typeof ConfigurationFileSchema>;
export type ConfigurationKey = keyof ConfigurationFile;

const rules: DocumentRules<ConfigurationFile> = {
  noun: 'configuration',
  schema: ConfigurationFileSchema,
  check: Compile(ConfigurationFileSchema),
  rules: (value) => [...commandProblems(value, 'setup'), ...commandProblems(value, 'verify')],
};

const commandProblems = (value: ConfigurationFile, key: 'setup' | 'verify'): readonly SchemaProblem[] =>
  (value[key] ?? []).flatMap((command, index) => {
    const message = commandProblem(command);
    return message === null ? [] : [{ path: [key, index], message, at: 'value' as const }];
  });

/**
 * A file of comments alone configures nothing.
 * @throws ConductorError `invalid_params` with `details.problems`, each with line and column.
 */
export const parseConfiguration = (text: string, file: string): ConfigurationFile =>
  text.split('\n').every((line) => /^\s*(#.*)?$/.test(line))
    ? {}
    : readDocument({ file, text, bytesMax: CONFIGURATION_BYTES_MAX }, rules);
