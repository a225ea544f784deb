/**
 * The names of variables that the configuration grants to runs: only their values are sent along with work.
 * Which of them count is judged by the supervisor; sending one that does not count changes nothing.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isConductorError } from '../../machines/errors.ts';
import { parseConfiguration, REPOSITORY_CONFIGURATION } from '../../operations/configuration-file.ts';
import { userConfigurationPath } from './user-configuration.ts';
import type { ProjectPlace } from './project-place.ts';

export const grantedNames = async (
  { project }: Pick<ProjectPlace, 'project'>,
  env: Readonly<Record<string, string | undefined>>,
): Promise<readonly string[]> => {
  const files = [userConfigurationPath(env), join(project.checkout, REPOSITORY_CONFIGURATION)];
  const names = await Promise.all(files.map(namesIn));
  return [...new Set(names.flat())];
};

const namesIn = async (path: string): Promise<readonly string[]> => {
  // A file that is not there, or is none, grants nothing; whoever makes the task says what is wrong with it.
  const text = await readFile(path, 'utf8').catch(() => null);
  if (text === null) return [];
  try {
    return parseConfiguration(text, path).env ?? [];
  } catch (error) {
    if (isConductorError(error)) return [];
    throw error;
  }
};
