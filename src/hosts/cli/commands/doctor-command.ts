/** `doctor`: one line a check, `ok | warn | FAIL  what  fact  → way out`. Looks; changes something only on request. */
import { isConductorError } from '../../../machines/errors.ts';
import type { CommandContext, CommandDefinition } from '../command-definition.ts';
import { checked, fail, type Check } from '../doctor/doctor-check.ts';
import { EXIT } from '../exit-codes.ts';
import { flagOf } from '../option-values.ts';
import type { Style, Tone } from '../output/style.ts';
import { oneLine } from '../output/text-width.ts';
import { findPlace, type ProjectPlace } from '../project-place.ts';

export const doctorCommand: CommandDefinition = {
  name: 'doctor',
  summary: 'check this machine and this project',
  options: [
    { flags: '--fix', description: 'remove what nobody holds (locks of git, sockets), try parked effects again' },
    { flags: '--adopt', description: 'take the tasks of a repository that was moved along' },
  ],
  notes: 'Exit code 4 when a check failed.',
  examples: ['conductor doctor', 'conductor doctor --json'],
  run: async ({ context, options }) => {
    const request = { fix: flagOf(options, 'fix'), adopt: flagOf(options, 'adopt') };
    const checks = await allChecks(context, request);
    const failed = checks.filter(({ state }) => state === 'FAIL').length;
    context.report.result({ checks, failed }, () => checkLines(checks, context.report.style));
    return failed === 0 ? EXIT.done : EXIT.trouble;
  },
};

const allChecks = async (
  context: CommandContext,
  { fix, adopt }: { readonly fix: boolean; readonly adopt: boolean },
): Promise<readonly Check[]> => {
  const { io, repo } = context;
  const { machineChecks } = await import('../doctor/machine-checks.ts');
  const machine = await machineChecks();
  let place: ProjectPlace;
  try {
    place = await findPlace(repo, io.env, { moved: 'accept' });
  } catch (error) {
    if (!isConductorError(error)) throw error;
    return [...machine, fail('repository', error.message, 'conductor doctor --repo DIR')];
  }
  const { homeChecks } = await import('../doctor/home-checks.ts');
  const { repositoryChecks } = await import('../doctor/repository-checks.ts');
  const { storeChecks } = await import('../doctor/store-checks.ts');
  const adopted = adopt
    ? [await checked('adopt', async () => (await import('../doctor/adopt-project.ts')).adoptProject(place))]
    : [];
  const now = io.now();
  const retryEffects = async (): Promise<number> => {
    const port = await context.openPort('start');
    const { details } = await port.call('conductor_retry_effects', {});
    return (details as { readonly effects: readonly unknown[] }).effects.length;
  };
  return [
    ...machine,
    ...(await homeChecks(place, { env: io.env, now, fix })),
    ...adopted,
    ...(await repositoryChecks(place, { env: io.env, now, fix })),
    ...(await storeChecks(place, {
      now,
      retainDays: await retainDaysOf(place, io.env),
      retryEffects: fix ? retryEffects : null,
    })),
  ];
};

/** A broken file of the user is said by the check of the configuration; here what is built in stands in for it. */
const retainDaysOf = async (place: ProjectPlace, env: CommandContext['io']['env']): Promise<number> => {
  const { BUILT_IN_CONFIGURATION } = await import('../../../operations/configuration.ts');
  const { configurationHere } = await import('../configuration-here.ts');
  const found = await configurationHere(place, env)
    .at(null)
    .catch(() => null);
  return (found?.values ?? BUILT_IN_CONFIGURATION).retainDays;
};

const tones: Readonly<Record<Check['state'], Tone>> = { ok: 'good', warn: 'warn', FAIL: 'bad' };

/** Pure: also for a snapshot. */
export const checkLines = (checks: readonly Check[], style: Style): string[] => {
  const width = Math.max(...checks.map(({ what }) => what.length));
  const arrow = style.unicode ? '→' : '->';
  return checks.map(({ state, what, fact, wayOut }) => {
    const way = wayOut === null ? '' : `  ${arrow} ${oneLine(wayOut)}`;
    return `${style.paint(tones[state], state.padEnd(4))}  ${what.padEnd(width)}  ${oneLine(fact)}${way}`;
  });
};
