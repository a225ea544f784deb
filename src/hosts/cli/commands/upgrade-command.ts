/** `upgrade`: another version's supervisor makes room for one of this version; runs go on meanwhile and are taken over. */
import type { CommandDefinition } from '../command-definition.ts';
import { EXIT } from '../exit-codes.ts';

export const upgradeCommand: CommandDefinition = {
  name: 'upgrade',
  summary: 'replace the supervisor by one of this version; runs go on',
  notes: 'As stop --keep-runs and start, when one of another version runs.',
  examples: ['conductor upgrade'],
  run: async ({ context }) => {
    const { version, local, repo, report } = context;
    const from = await local.runningVersion(repo);
    const isDue = from !== null && from !== version;
    if (isDue) {
      const { signal } = new AbortController();
      await local.stop(repo, { runs: 'keep', onProgress: (line) => report.note(line), signal });
      await local.start(repo, { inspector: true });
    }
    report.result({ changed: isDue, from, to: version }, () => [wordsOf(from, { version, isDue })]);
    return EXIT.done;
  },
};

const wordsOf = (
  from: string | null,
  { version, isDue }: { readonly version: string; readonly isDue: boolean },
): string => {
  if (isDue) return `upgraded from ${from!} to ${version}; runs were taken over`;
  return from === null ? `none is running; the next one has version ${version}` : `it has version ${version} already`;
};
