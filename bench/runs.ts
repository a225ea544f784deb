/** What whole runs cost, with real supervisors, runners and git: many instant tasks, a dispatch, fifty runners at rest. */
import { readFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import type { SupervisorClient } from '../src/hosts/rpc/rpc-client.ts';
import { watchLoop } from './loop-delay.ts';
import { median, quantile, type BenchRow } from './bench-row.ts';
import { cpuTicksOf, kibibytesOf, makeProject, until } from './scratch-project.ts';

const INSTANT_TASKS = 200;
const CONCURRENCY = 8;
const LIVE_RUNS = 50;
const DISPATCHES = 15;
const LOADS = 15;

export async function run(): Promise<readonly BenchRow[]> {
  return [
    runnerLoad(),
    ...(await instantTasks('reused')),
    ...(await instantTasks('own')),
    await atRest(),
    ...(await fiftyRuns()),
    await dispatch(),
  ];
}

/** The bundle read, compiled and evaluated: it ends at once with its usage. */
function runnerLoad(): BenchRow {
  const runner = new URL('../dist/programs/runner.cjs', import.meta.url).pathname;
  const empty = ['-e', '0'];
  const [loads, bare]: [number[], number[]] = [[], []];
  for (let pair = 0; pair < LOADS; pair += 1) {
    loads.push(elapsed(() => runNode([runner])));
    bare.push(elapsed(() => runNode(empty)));
  }
  const own = median(loads);
  return {
    name: 'runner entry loaded, process start included',
    unit: 'ms',
    median: own,
    p95: quantile(loads, 0.95),
    target: '≤ 35 ms',
    met: own <= 35,
    detail: `bare Node in the same pairs: ${median(bare).toFixed(1)} ms`,
  };
}

function runNode(args: readonly string[]): void {
  try {
    execFileSync(process.execPath, args, { stdio: 'ignore' });
  } catch {
    // The runner without a contract says how it is used and exits with 2; only the time counts here.
  }
}

function elapsed(work: () => void): number {
  const from = performance.now();
  work();
  return performance.now() - from;
}

/** @param worktrees `reused`: unnamed workers of one objective. `own`: every task names a worker. */
async function instantTasks(worktrees: 'reused' | 'own'): Promise<readonly BenchRow[]> {
  const project = await makeProject();
  try {
    const client = await project.connect();
    const targetMs = worktrees === 'reused' ? 6_000 : 11_000;
    const tasks = Array.from({ length: INSTANT_TASKS }, (_, index) => ({
      id: `t${String(index)}`,
      run: ['true'],
      completion: 'exit-code',
      ...(worktrees === 'own' && { workerName: `w${String(index)}` }),
    }));
    const loop = await watchLoop(client.facts.identity.pid);
    const from = performance.now();
    const plan = { objective: 'Instant', maxConcurrency: CONCURRENCY, tasks };
    const { objectiveId } = await details<{ objectiveId: string }>(client, 'conductor_run_plan', { plan });
    await until(async () => (await stateOf(client, objectiveId)) === 'completed', 20);
    const ms = performance.now() - from;
    const delay = await loop.end();
    const name = `${String(INSTANT_TASKS)} instant tasks, ${String(CONCURRENCY)} at a time, ${worktrees === 'reused' ? 'reused worktrees' : 'one worktree each'}`;
    return [
      {
        name,
        unit: 'ms',
        median: ms,
        p95: null,
        target: `≤ ${String(targetMs)} ms`,
        met: ms <= targetMs,
        detail: 'one round; wall time from the plan to the completed objective',
      },
      {
        name: 'loop delay p99 of the supervisor meanwhile',
        unit: 'ms',
        median: delay.p99,
        p95: null,
        target: '≤ 20 ms',
        met: delay.p99 <= 20,
        detail: `median ${delay.median.toFixed(1)} ms; time that the process waited for a processor counts`,
      },
    ];
  } finally {
    await project.remove();
  }
}

/** Fifty waiting agents: memory of their runners, the supervisor at rest, its death and the adoption by the next one. */
async function fiftyRuns(): Promise<readonly BenchRow[]> {
  const project = await makeProject({ configuration: `projectMax: ${String(LIVE_RUNS)}\n` });
  try {
    let client = await project.connect();
    const ids = Array.from({ length: LIVE_RUNS }, (_, index) => `t${String(index)}`);
    const executed = join(project.directory, 'executed');
    const go = join(project.directory, 'go');
    const command = `echo x >> ${executed}; while [ ! -e ${go} ]; do sleep 1; done`;
    const plan = {
      objective: 'Fifty',
      maxConcurrency: LIVE_RUNS,
      tasks: ids.map((id) => ({ id, run: command, completion: 'exit-code' })),
    };
    const { objectiveId } = await details<{ objectiveId: string }>(client, 'conductor_run_plan', { plan });
    await until(() => linesIn(executed) >= LIVE_RUNS, 50);
    await until(async () => (await connected(client)) >= LIVE_RUNS, 50);
    const memory = await memoryRow(client);
    const rest = await restRow(client);
    const { pid } = client.facts.identity;
    process.kill(pid, 'SIGKILL');
    await until(() => !existsSync(`/proc/${String(pid)}`));
    const from = performance.now();
    client = await project.connect();
    const answered = performance.now();
    await until(async () => (await connected(client)) >= LIVE_RUNS, 10);
    const adopted = performance.now();
    const doubled = linesIn(executed) - LIVE_RUNS;
    execFileSync('touch', [go]);
    await until(async () => (await stateOf(client, objectiveId)) === 'completed', 100);
    return [
      memory,
      rest,
      {
        name: `kill -9 of the supervisor with ${String(LIVE_RUNS)} live runs: all re-adopted after it answers`,
        unit: 'ms',
        median: adopted - answered,
        p95: null,
        target: '≤ 1,000 ms; 0 lost, 0 doubled',
        met: adopted - answered <= 1_000 && doubled === 0,
        detail: `start to answering ${(answered - from).toFixed(0)} ms; executed again ${String(doubled)}; all completed`,
      },
    ];
  } finally {
    await project.remove();
  }
}

/** The runners that hold a run; one that waits for the next is not counted. */
async function memoryRow(client: SupervisorClient): Promise<BenchRow> {
  const { runners } = await details<{ runners: { pid: number | null }[] }>(client, 'conductor_get_services', {});
  const pids = runners.flatMap(({ pid }) => pid ?? []);
  const mebibytes = pids.reduce((sum, pid) => sum + kibibytesOf(pid, 'smaps_rollup', 'Pss'), 0) / 1_024;
  return {
    name: `${String(pids.length)} idle command runners together`,
    unit: 'MB PSS',
    median: mebibytes,
    p95: null,
    target: '≤ 600 MB',
    met: mebibytes <= 600,
    detail: `${(mebibytes / pids.length).toFixed(1)} MB each`,
  };
}

const REST_MS = 10_000;
/** Until it has noticed that there is nothing to do, and given back what starting took. */
const SETTLE_MS = 40_000;

/** Nothing to do, and no inspector. */
async function atRest(): Promise<BenchRow> {
  const project = await makeProject({ inspector: false });
  try {
    const { pid } = (await project.connect()).facts.identity;
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    const { percent, rss } = await restOf(pid, 2 * REST_MS);
    return {
      name: 'supervisor at rest, without the inspector: CPU',
      unit: '%',
      median: percent,
      p95: null,
      target: '≤ 0.5 %, ≤ 90 MB RSS',
      met: percent <= 0.5 && rss <= 90,
      detail: `${rss.toFixed(1)} MB RSS, over ${String((2 * REST_MS) / 1_000)} s`,
    };
  } finally {
    await project.remove();
  }
}

async function restOf(pid: number, ms: number): Promise<{ readonly percent: number; readonly rss: number }> {
  const before = cpuTicksOf(pid);
  await new Promise((resolve) => setTimeout(resolve, ms));
  const percent = ((cpuTicksOf(pid) - before) * 10 * 100) / ms;
  return { percent, rss: kibibytesOf(pid, 'status', 'VmRSS') / 1_024 };
}

async function restRow(client: SupervisorClient): Promise<BenchRow> {
  const { percent, rss } = await restOf(client.facts.identity.pid, REST_MS);
  return {
    name: 'supervisor while its runs wait: CPU',
    unit: '%',
    median: percent,
    p95: null,
    target: 'none; bounded',
    met: null,
    detail: `${rss.toFixed(0)} MB RSS, over ${String(REST_MS / 1_000)} s, ${String(LIVE_RUNS)} runs alive`,
  };
}

/** From the call that starts a task to the first thing its program does. */
async function dispatch(): Promise<BenchRow> {
  const project = await makeProject();
  try {
    const client = await project.connect();
    const times: number[] = [];
    for (let index = 0; index < DISPATCHES; index += 1) {
      const mark = join(project.directory, `mark${String(index)}`);
      const plan = {
        objective: 'Dispatch',
        tasks: [
          {
            id: 'one',
            run: ['/bin/sh', '-c', `date +%s%N > ${mark}.new && mv ${mark}.new ${mark}`],
            completion: 'exit-code',
            workerName: 'same',
          },
        ],
      };
      const at = Date.now();
      const { objectiveId } = await details<{ objectiveId: string }>(client, 'conductor_run_plan', { plan });
      await until(async () => (await stateOf(client, objectiveId)) === 'completed');
      times.push(Number(readFileSync(mark, 'utf8')) / 1e6 - at);
    }
    const reused = times.slice(1);
    return {
      name: 'dispatch to the first action of a command agent, worktree reused',
      unit: 'ms',
      median: median(reused),
      p95: quantile(reused, 0.95),
      target: '≤ 80 ms',
      met: median(reused) <= 80,
      detail: 'from the call that creates the objective, worktree moved and start of /bin/sh included',
    };
  } finally {
    await project.remove();
  }
}

async function details<Details>(client: SupervisorClient, operation: string, params: unknown): Promise<Details> {
  return (await client.call(operation, params)).details as Details;
}

async function stateOf(client: SupervisorClient, objectiveId: string): Promise<string> {
  const { items } = await details<{ items: { objectiveId: string; state: string }[] }>(
    client,
    'conductor_list_objectives',
    {},
  );
  return items.find((item) => item.objectiveId === objectiveId)?.state ?? '';
}

async function connected(client: SupervisorClient): Promise<number> {
  const { items } = await details<{ items: { live: { connected: boolean } | null }[] }>(client, 'conductor_list_runs', {
    limit: 100,
  });
  return items.filter(({ live }) => live?.connected === true).length;
}

const linesIn = (path: string): number => (existsSync(path) ? readFileSync(path, 'utf8').split('\n').length - 1 : 0);
