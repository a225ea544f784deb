/**
 * Which project a command is about, and where its files are. Creates nothing.
 */
import { conductorHome, projectHome, type ProjectHome } from '../../persistence/project-home.ts';
import { findProject, requireUnmoved, type Project } from '../../supervisor/workspaces/project-identity.ts';

export type ProjectPlace = {
  readonly project: Project;
  /** CONDUCTOR_HOME as resolved. */
  readonly home: string;
  readonly paths: ProjectHome;
};

/** @throws ConductorError `not_a_repository`, `repository_empty`, `project_moved`, `invalid_params` for a home that is too long. */
export const findPlace = async (
  repo: string,
  env: Readonly<Record<string, string | undefined>>,
  { moved = 'refuse' }: { readonly moved?: 'refuse' | 'accept' } = {},
): Promise<ProjectPlace> => {
  const project = await findProject(repo);
  if (moved === 'refuse') requireUnmoved(project);
  const home = conductorHome(env);
  return { project, home, paths: projectHome(home, project.projectKey) };
};
