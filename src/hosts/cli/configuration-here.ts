/** What is in force in this project, judged without a supervisor. */
import { readFile } from 'node:fs/promises';
import { createConfigurationSource, type ConfigurationSource } from '../../operations/configuration.ts';
import { openTrust } from '../../operations/trust.ts';
import { fileAtCommit } from './file-at-commit.ts';
import type { ProjectPlace } from './project-place.ts';
import { userConfigurationPath } from './user-configuration.ts';

export const configurationHere = (
  { project, paths }: Pick<ProjectPlace, 'project' | 'paths'>,
  env: Readonly<Record<string, string | undefined>>,
): ConfigurationSource => {
  const trust = openTrust(paths.root);
  return createConfigurationSource({
    userFile: async () => {
      const path = userConfigurationPath(env);
      // Most people have none.
      const text = await readFile(path, 'utf8').catch(() => null);
      return text === null ? null : { text, path };
    },
    fileAt: (commit, path) => fileAtCommit(project.checkout, commit, path),
    isTrusted: (hash) => trust.isTrusted(hash),
  });
};
