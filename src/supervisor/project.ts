/** The facts of one project that everything in the supervisor needs: who it is, where it lives, what it may prove. */
export type ProjectFacts = {
  /** Readable slug and hash of the real path of the common git directory. */
  readonly key: string;
  readonly repoRoot: string;
  readonly commonGitDir: string;
  /** CONDUCTOR_HOME as resolved. */
  readonly home: string;
  /** `<home>/projects/<key>`. */
  readonly projectHome: string;
  /** 32 random bytes in hex, made once per project, 0600: tokens of runners are made with it. */
  readonly secret: string;
  /** Version of this Conductor. */
  readonly version: string;
};

/** What everything that a run starts carries in its environment. */
export const cookieOf = (project: Pick<ProjectFacts, 'key'>, runId: string, epoch: number): string =>
  `${project.key}/${runId}/${String(epoch)}`;

/** The same of a runner that has no run yet: it tells which protocol it will speak. */
export const warmCookieOf = (project: Pick<ProjectFacts, 'key' | 'version'>, protocol: number): string =>
  `${project.key}/warm-${project.version}/${String(protocol)}`;
