/** The project as a page names it. */
import { basename } from 'node:path';
import type { SupervisorFace } from '../rpc/rpc-face.ts';
import type { ProjectFacts } from './protocol.ts';

export const projectFacts = (face: SupervisorFace): ProjectFacts => {
  const { project, version, startedAt, epoch } = face.facts();
  const { key, repoRoot } = project;
  return { key, repoRoot, name: basename(repoRoot), version, startedAt, epoch };
};
