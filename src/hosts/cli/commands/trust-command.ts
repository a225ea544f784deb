/**
 * `trust`: shows the repository's configuration as it is committed, and after a person agreed, lets it count. Other content needs
 * trust of its own.
 */
import { ConductorError } from '../../../machines/errors.ts';
import { REPOSITORY_CONFIGURATION } from '../../../operations/configuration-file.ts';
import type { CommandContext, CommandDefinition } from '../command-definition.ts';
import { EXIT } from '../exit-codes.ts';
import { fileAtCommit } from '../file-at-commit.ts';
import { findPlace } from '../project-place.ts';

type Configuration = {
  readonly commit: string;
  readonly repository: { readonly hash: string; readonly trusted: boolean } | null;
};

export const trustCommand: CommandDefinition = {
  name: 'trust',
  summary: "trust the repository's configuration as it is",
  notes: `Shows ${REPOSITORY_CONFIGURATION} of HEAD and asks; a person at a terminal agrees.`,
  examples: ['conductor trust'],
  run: async ({ context }) => {
    const port = await context.openPort('start');
    const { commit, repository } = (await port.call('conductor_get_configuration', {})).details as Configuration;
    if (repository === null) {
      context.report.result({ hash: null, trusted: false }, () => [
        `HEAD has no ${REPOSITORY_CONFIGURATION}: nothing to trust`,
      ]);
      return EXIT.done;
    }
    const { hash, trusted } = repository;
    if (trusted) {
      context.report.result({ hash, trusted }, () => [
        `${REPOSITORY_CONFIGURATION} (${hash.slice(0, 12)}) is trusted already`,
      ]);
      return EXIT.done;
    }
    await askToAgree(context, commit, hash);
    const { details } = await port.call('conductor_trust_configuration', { hash, commit });
    context.report.result(details, () => [`trusted: ${hash.slice(0, 12)}`]);
    return EXIT.done;
  },
};

const askToAgree = async ({ io, repo }: CommandContext, commit: string, hash: string): Promise<void> => {
  if (!io.stdin.isTerminal || !io.stdout.isTerminal) {
    throw new ConductorError('not_permitted', 'a person at a terminal has to agree: conductor trust', {
      details: { hash },
    });
  }
  const { project } = await findPlace(repo, io.env);
  const text = (await fileAtCommit(project.checkout, commit, REPOSITORY_CONFIGURATION)) ?? '';
  io.stderr.write(`${REPOSITORY_CONFIGURATION} at ${commit.slice(0, 12)}:\n\n`);
  for (const line of text.trimEnd().split('\n')) io.stderr.write(`    ${visible(line)}\n`);
  io.stderr.write('\nIts commands will run here, with your rights. Trust it? [y/N] ');
  const answer = ((await io.stdin.readLine()) ?? '').trim().toLowerCase();
  if (answer !== 'y' && answer !== 'yes') throw new ConductorError('refused', 'not trusted', { details: { hash } });
};

/** What is agreed to must be what is seen: a control character shows as its number. */
const visible = (line: string): string =>
  line.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) =>
    character === '\t' ? '  ' : `<U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}>`,
  );
