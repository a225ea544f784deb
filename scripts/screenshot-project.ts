/**
 * A scratch repository whose supervisor stands in every state that a picture wants: running with progress, on a terminal, waiting for
 * an answer and for a review, failed, blocked by it, completed.
 *
 * S1. Home and repository are of their own, below one temporary folder; `close` ends the supervisor with all runs and removes it.
 * S2. It is settled before it is given out: every run has reached the state that it stays in.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureSupervisor } from '../src/hosts/rpc/daemon-start.ts';
import type { SupervisorClient } from '../src/hosts/rpc/rpc-client.ts';

/** How long everything may take until it stands, in ms. */
const SETTLE_MS = 120_000;
const LOOK_MS = 100;

const LEXER = `/** Turns text into tokens. */
export type Token = { readonly kind: string; readonly text: string };

const WORD = /[a-z]+/y;
const NUMBER = /[0-9]+/y;

export function lex(source: string): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < source.length; ) {
    const token = next(source, at);
    tokens.push(token);
    at += token.text.length;
  }
  return tokens;
}

function next(source: string, at: number): Token {
  for (const [kind, pattern] of [['word', WORD], ['number', NUMBER]] as const) {
    pattern.lastIndex = at;
    const found = pattern.exec(source);
    if (found !== null) return { kind, text: found[0] };
  }
  return { kind: 'sign', text: source[at] ?? '' };
}
`;
const FASTER_LEXER = LEXER.replace(
  /const WORD[\s\S]*?y;\n\n/,
  `/** What a character begins, by its code. */
const BEGINS = Array.from({ length: 128 }, (_, code) => kindOf(String.fromCharCode(code)));

`,
).replace(
  /function next[\s\S]*$/,
  `function next(source: string, at: number): Token {
  const kind = BEGINS[source.charCodeAt(at)] ?? 'sign';
  let end = at + 1;
  while (kind !== 'sign' && BEGINS[source.charCodeAt(end)] === kind) end += 1;
  return { kind, text: source.slice(at, end) };
}

const kindOf = (character: string): string =>
  /[a-z]/.test(character) ? 'word' : /[0-9]/.test(character) ? 'number' : 'sign';
`,
);

/** A program that says lines and what it is at, and then works on without an end. */
const sayAndStay = (lines: readonly string[], progress: string): string =>
  [
    ...lines.map((line) => `printf '%b\\n' ${JSON.stringify(line)}`),
    `conductor child progress "${progress}"`,
    'sleep 3600',
  ].join('\n');

const TERMINAL = [
  'printf "\\033[1m\\033[44m RUN \\033[0m tests of the parser\\n\\n"',
  'for part in lexer tokens expressions statements; do printf " \\033[32m✓\\033[0m %s \\033[2m(24 tests)\\033[0m\\n" "$part"; done',
  'printf " \\033[31m✗\\033[0m unary minus \\033[2m(1 of 7 failed)\\033[0m\\n\\n"',
  'printf "   expected \\033[32m-1\\033[0m, got \\033[31m1\\033[0m\\n\\n"',
  'printf " \\033[33mwaiting for changes…\\033[0m press \\033[1mq\\033[0m to leave\\n"',
  'sleep 3600',
].join('\n');

const complete = (summary: string): string => `conductor child complete succeeded --summary "${summary}"`;

const PROFILE = [
  'for n in 1 2 3 4 5 6 7 8; do printf "\\033[2mround %s\\033[0m  lex %s ms  parse %s ms\\n" $n $((40 + n % 3)) $((12 + n % 2)); done',
  'printf "\\033[32mslowest:\\033[0m regular expressions in lex(), 71 %% of the time\\n"',
  'printf "# Where the time goes\\n\\n| part | share |\\n| --- | --- |\\n| lex | 71 %% |\\n| parse | 22 %% |\\n" > profile.md',
  'cp profile.md "$CONDUCTOR_ARTIFACTS/"',
  complete('71 % of the time is spent in the regular expressions of lex()'),
].join('\n');

const PLAN = {
  objective: 'Make the parser twice as fast',
  maxConcurrency: 8,
  tasks: [
    {
      id: 'profile',
      title: 'Find the slow path',
      run: PROFILE,
      verify: ['git show --stat HEAD | tail -1'],
    },
    {
      id: 'table',
      title: 'Look tokens up in a table',
      dependsOn: ['profile'],
      run: `cp "$(git rev-parse --git-common-dir)/../../lexer.ts" src/lexer.ts; conductor child complete partial --summary "Lexing takes a third of the time. One test of unary minus is red; I could not tell whether it was right before."`,
    },
    {
      id: 'cache',
      title: 'Cache the syntax tree between runs',
      dependsOn: ['profile'],
      run: sayAndStay(
        ['\\033[36mread\\033[0m 214 files', '\\033[36mhash\\033[0m 214 files in 88 ms', 'hits 171, misses 43'],
        '3 of 5: the cache survives a crash while it is written',
      ),
    },
    {
      id: 'api',
      title: 'Stream tokens instead of collecting them',
      dependsOn: ['profile'],
      run: 'conductor child gate --type needs_input --ask "lex() returns an array today, and 12 callers index into it. Shall I keep lex() as it is and add lexStream(), or change lex() and mend the callers?" --wait',
    },
    {
      id: 'watch',
      title: 'Watch the tests',
      dependsOn: ['profile'],
      runtimeMode: 'pty',
      run: ['bash', '-c', TERMINAL],
    },
    {
      id: 'bench',
      title: 'Measure against last year’s release',
      dependsOn: ['profile'],
      run: 'echo "parser-bench: no release 1.4 here" >&2; exit 3',
    },
    { id: 'report', title: 'Write the report of the measurements', dependsOn: ['bench'], run: 'true' },
    { id: 'release', title: 'Prepare the release', dependsOn: ['table', 'cache', 'api'], run: 'true' },
  ],
};

const EARLIER = {
  objective: 'Take stock of the repository',
  tasks: [
    { id: 'types', title: 'Check the types', run: `echo "0 errors"; ${complete('no errors')}` },
    { id: 'lint', title: 'Lint', run: `echo "0 warnings"; ${complete('no warnings')}` },
    {
      id: 'inventory',
      title: 'Write the inventory',
      dependsOn: ['types', 'lint'],
      run: `echo inventory > inventory.md; ${complete('1 document')}`,
    },
  ],
};

/** Where each task of PLAN stays. */
const STAYS: Readonly<Record<string, string>> = {
  profile: 'completed',
  table: 'needs_review',
  cache: 'running',
  api: 'running',
  watch: 'running',
  bench: 'failed',
  report: 'blocked',
  release: 'ready',
};

type Item = Readonly<Record<string, unknown>>;
type Made = { readonly objectiveId: string; readonly tasks: Readonly<Record<string, string>> };

export type ScreenshotProject = {
  readonly socket: string;
  readonly objectiveId: string;
  /** By their ids in the plan. */
  readonly tasks: Readonly<Record<string, string>>;
  readonly runs: Readonly<Record<string, string>>;
  /** The gate that asks for a review. */
  readonly review: string;
  /** An entry of the journal in the middle of the run `profile`. */
  readonly moment: number;
  readonly close: () => Promise<void>;
};

const makeRepository = (repo: string): void => {
  mkdirSync(join(repo, 'src'), { recursive: true });
  writeFileSync(join(repo, 'src', 'lexer.ts'), LEXER);
  const git = (...args: string[]): unknown =>
    execFileSync('git', ['-C', repo, '-c', 'user.name=Ada', '-c', 'user.email=ada@localhost', ...args]);
  git('init', '-q', '-b', 'main');
  git('add', '.');
  git('commit', '-qm', 'The parser');
};

const detailsOf = async <Details>(client: SupervisorClient, operation: string, params: object = {}): Promise<Details> =>
  (await client.call(operation, params)).details as Details;

const itemsOf = async (client: SupervisorClient, operation: string, params: object = {}): Promise<readonly Item[]> =>
  (await detailsOf<{ readonly items: readonly Item[] }>(client, operation, { limit: 100, ...params })).items;

const until = async (what: string, look: () => Promise<boolean>): Promise<void> => {
  const deadline = performance.now() + SETTLE_MS;
  while (!(await look())) {
    if (performance.now() > deadline) throw new Error(`waited too long for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
};

/** S2. */
const settle = async (client: SupervisorClient): Promise<Omit<ScreenshotProject, 'socket' | 'close'>> => {
  const earlier = await detailsOf<Made>(client, 'conductor_run_plan', { plan: EARLIER });
  const stateOf = async (id: string): Promise<unknown> => {
    const { task } = await detailsOf<{ readonly task: Item }>(client, 'conductor_get_task', { taskId: id });
    return task['state'];
  };
  await until('the earlier objective', async () => (await stateOf(earlier.tasks['inventory'] ?? '')) === 'completed');
  const { objectiveId, tasks } = await detailsOf<Made>(client, 'conductor_run_plan', { plan: PLAN });
  for (const [id, state] of Object.entries(STAYS)) {
    await until(`${id} to be ${state}`, async () => (await stateOf(tasks[id] ?? '')) === state);
  }
  const gates = async (): Promise<readonly Item[]> => itemsOf(client, 'conductor_list_gates', { state: 'open' });
  await until('both gates', async () => (await gates()).length >= 2);
  const review = (await gates()).find(({ type }) => type === 'needs_review');
  const runs = await itemsOf(client, 'conductor_list_runs', { objectiveId });
  const runOf = (id: string): string => String(runs.find(({ taskId }) => taskId === tasks[id])?.['runId']);
  const ids = ['profile', 'table', 'cache', 'api', 'watch', 'bench'];
  const entries = await itemsOf(client, 'conductor_list_events', { id: runOf('profile') });
  const verifying = entries.find(({ to }) => to === 'verifying');
  return {
    objectiveId,
    tasks,
    runs: Object.fromEntries(ids.map((id) => [id, runOf(id)])),
    review: String(review?.['gateId']),
    moment: Number(verifying?.['seq']),
  };
};

export const openScreenshotProject = async (): Promise<ScreenshotProject> => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'conductor-screenshots-')));
  const [repo, home] = [join(folder, 'parser'), join(folder, 'home')];
  makeRepository(repo);
  writeFileSync(join(folder, 'lexer.ts'), FASTER_LEXER);
  mkdirSync(home, { mode: 0o700 });
  const environment = { ...process.env, XDG_CONFIG_HOME: join(folder, 'no-config') };
  const { client } = await ensureSupervisor({ repo, home, stay: true, inspector: true, environment });
  const close = async (): Promise<void> => {
    await client.stop('now').catch(() => undefined);
    await client.close();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    return { ...(await settle(client)), socket: client.facts.socket, close };
  } catch (error) {
    await close();
    throw error;
  }
};
