/** The project as a whole: status, anything by its id, configuration and trust. */
import { Type } from 'typebox';
import { ConductorError } from '../machines/errors.ts';
import { ConfigurationFileSchema } from './configuration-file.ts';
import { needsSupervisor } from './operation-context.ts';
import { DECIDERS, defineOperation, READERS, said } from './operation.ts';
import { closed, maybeText, optional } from './parameter-schemas.ts';
import { nextStepOf, ProjectStatusSchema, statusOf } from './read-models/project-status.ts';
import { ShownSchema, showItem } from './read-models/show.ts';
import { isCommitish } from './plan/plan-rules.ts';
import { resolveBase } from './task-drafts.ts';

export const getProject = defineOperation({
  name: 'conductor_get_project',
  title: 'Show the project',
  description: 'The project, its supervisor, and everything in it counted by state. Ends with what to do next.',
  params: closed({}),
  result: ProjectStatusSchema,
  principals: READERS,
  mutates: false,
  handler: async (context) => {
    const status = await statusOf(context.reader, context);
    const counted = Object.entries(status.counts).map(([kind, states]) => {
      const parts = Object.entries(states).filter(([, count]) => count > 0);
      return `${kind}: ${parts.length === 0 ? 'none' : parts.map(([state, count]) => `${String(count)} ${state}`).join(', ')}`;
    });
    return said(
      [`${status.project.key} ${status.project.repoRoot}`, ...counted, nextStepOf(status)].join('\n'),
      status,
    );
  },
});

export const show = defineOperation({
  name: 'conductor_show',
  title: 'Show anything',
  description:
    'An objective, task, run, worker, gate or artifact with what belongs to it, by its id or a unique beginning of it.',
  params: closed({
    id: Type.String({ pattern: '^[a-z0-9-]{1,40}$', patternSays: 'be an id or its beginning: a-z, 0-9 and -' }),
  }),
  result: ShownSchema,
  principals: READERS,
  mutates: false,
  handler: async (context, { id }) => {
    const shown = await showItem(context, id);
    return said(JSON.stringify(shown.item, null, 1), shown);
  },
});

const commit = optional(Type.String({ minLength: 1, maxLength: 255 }), 'The commit whose file counts. Default: HEAD.');

/** @throws ConductorError `invalid_params` */
const checkedCommit = (text: string): string => {
  if (isCommitish(text)) return text;
  throw new ConductorError('invalid_params', 'commit is not a commit-ish: a branch, a tag or a commit');
};

export const getConfiguration = defineOperation({
  name: 'conductor_get_configuration',
  title: 'Show the configuration',
  description:
    'What is in force, where each value comes from, and what the repository asks for that nobody trusted yet.',
  params: closed({ commit }),
  result: closed({
    commit: Type.String(),
    values: Type.Required(closed({ ...ConfigurationFileSchema.properties, worktreesDir: Type.Optional(maybeText) })),
    from: Type.Record(Type.String(), Type.String()),
    notInForce: Type.Array(closed({ key: Type.String(), why: Type.String() })),
    repository: Type.Union([closed({ hash: Type.String(), trusted: Type.Boolean() }), Type.Null()]),
  }),
  principals: READERS,
  mutates: false,
  handler: async (context, params) => {
    const at = await resolveBase(context, checkedCommit(params.commit ?? 'HEAD'), 'commit');
    const { values, from, notInForce, repository } = await context.config.at(at);
    const lines = Object.entries(values).map(
      ([key, value]) => `${key}: ${JSON.stringify(value)} (${from[key as keyof typeof from]})`,
    );
    const missing = notInForce.map(({ key, why }) => `not in force: ${key}: ${why}`);
    const details = {
      commit: at,
      values,
      from: { ...from },
      notInForce: notInForce.map((one) => ({ ...one })),
      repository,
    };
    return said([...lines, ...missing].join('\n'), details);
  },
});

export const trustConfiguration = defineOperation({
  name: 'conductor_trust_configuration',
  title: "Trust the repository's configuration",
  description:
    "Allows the content of the repository's .conductor/config.yaml, named by its hash as conductor_get_configuration shows it. " +
    'For a human only; other content needs trust of its own.',
  params: closed({
    hash: Type.String({ pattern: '^[0-9a-f]{64}$', patternSays: 'be a SHA-256 in lower-case hex' }),
    commit,
  }),
  result: closed({ hash: Type.String(), trusted: Type.Boolean() }),
  principals: ['human'],
  mutates: true,
  withoutStore: true,
  handler: async (context, params) => {
    const at = await resolveBase(context, checkedCommit(params.commit ?? 'HEAD'), 'commit');
    const file = await context.config.repositoryFile(at);
    if (file === null)
      throw new ConductorError('not_found', 'this commit has no .conductor/config.yaml: there is nothing to trust');
    if (file.hash !== params.hash) {
      throw new ConductorError(
        'conflict',
        `the file has the hash ${file.hash} now: look at it again, then trust that`,
        {
          details: { hash: file.hash },
        },
      );
    }
    await context.trust.trust(params.hash, context.clock.now());
    return said(`${params.hash.slice(0, 12)} is trusted`, { hash: params.hash, trusted: true });
  },
});

const EFFECTS_MAX = 1_000;

export const retryEffects = defineOperation({
  name: 'conductor_retry_effects',
  title: 'Try parked effects again',
  description:
    'An effect in which the supervisor died three times in a row is parked, and what it belongs to waits. This tries all of them ' +
    'again: do it when the cause is gone, as the log of the supervisor tells it.',
  params: closed({}),
  result: closed({
    effects: Type.Array(closed({ name: Type.String(), actor: Type.String() }), { maxItems: EFFECTS_MAX }),
  }),
  principals: DECIDERS,
  mutates: true,
  handler: async ({ kernel }) => {
    if (kernel === null) throw needsSupervisor();
    const effects = (await kernel.retryParked()).map(({ name, actor }) => ({
      name: name as string,
      actor: actor as string,
    }));
    const lines = effects.map(({ name, actor }) => `${name} of ${actor} is tried again`);
    return said(lines.join('\n') || 'no effect is parked', { effects: effects.slice(0, EFFECTS_MAX) });
  },
});

export const projectOperations = [getProject, show, getConfiguration, trustConfiguration, retryEffects] as const;
