/** What a long history costs a whole supervisor: from the start of its process to its first answer, and its memory then. */
import { copyFileSync, mkdirSync } from 'node:fs';
import { median, quantile, type BenchRow } from './bench-row.ts';
import { kibibytesOf, makeProject } from './scratch-project.ts';

const STARTS = 7;
const START_TARGET_MS = 400;
const RSS_TARGET_MIB = 150;

/** @param path A store; it is copied. @param size What it holds, in words. */
export async function measureLargeStart(path: string, size: string): Promise<BenchRow[]> {
  const project = await makeProject();
  const [times, memory]: [number[], number[]] = [[], []];
  try {
    mkdirSync(project.paths.root, { recursive: true, mode: 0o700 });
    copyFileSync(path, project.paths.database);
    for (let start = 0; start < STARTS; start += 1) {
      const from = performance.now();
      const client = await project.connect();
      await client.call('conductor_list_tasks', { limit: 50 });
      times.push(performance.now() - from);
      memory.push(kibibytesOf(client.facts.identity.pid, 'status', 'VmRSS') / 1_024);
      // The last one is for `remove`, which ends what runs.
      if (start < STARTS - 1) await client.stop('keep');
    }
  } finally {
    await project.remove();
  }
  return [
    {
      name: `supervisor start to answering at ${size}`,
      unit: 'ms',
      median: median(times),
      p95: quantile(times, 0.95),
      target: `≤ ${String(START_TARGET_MS)} ms`,
      met: median(times) <= START_TARGET_MS,
      detail: `${String(STARTS)} processes, each until it had listed 50 tasks`,
    },
    {
      name: `supervisor memory after that at ${size}`,
      unit: 'MiB',
      median: median(memory),
      p95: quantile(memory, 0.95),
      target: `≤ ${String(RSS_TARGET_MIB)} MB RSS`,
      met: (median(memory) * 2 ** 20) / 1e6 <= RSS_TARGET_MIB,
      detail: 'resident set, half of it pages of the Node binary that all Node processes share',
    },
  ];
}
