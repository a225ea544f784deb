/**
 * `npm run bench [-- name …]`: measures, prints one table, and writes `bench/results/<name>.json`.
 *
 * Figures hold for the machine they were made on; the disk's bare fsync stands in the head line.
 */
import { closeSync, fsyncSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { cpus, loadavg, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { median, type Bench, type BenchRow } from './bench-row.ts';

const BENCHES: Readonly<Record<string, () => Promise<Bench>>> = {
  kernel: () => import('./kernel.ts'),
  store: () => import('./store.ts'),
  inspector: () => import('./inspector.ts'),
  page: () => import('./page.ts'),
  'page-load': () => import('./page-load.ts'),
  runs: () => import('./runs.ts'),
};

const results = new URL('./results/', import.meta.url).pathname;
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => BENCHES[name] === undefined);
if (unknown.length > 0) {
  console.error(`there is no bench ${unknown.join(', ')}; there are ${Object.keys(BENCHES).join(', ')}`);
  process.exit(2);
}

const machine = {
  node: process.version,
  cpus: `${String(cpus().length)} × ${cpus()[0]?.model ?? 'unknown'}`,
  system: release(),
  fsyncMs: Number(bareFsyncMs().toFixed(3)),
};
console.log(
  `Node ${machine.node}, ${machine.cpus}, load ${loadavg()[0]!.toFixed(1)}, a bare fsync ${machine.fsyncMs.toFixed(2)} ms\n`,
);
mkdirSync(results, { recursive: true });
for (const name of wanted.length === 0 ? Object.keys(BENCHES) : wanted) {
  const rows = await (await BENCHES[name]!()).run();
  for (const row of rows) print(row);
  const report = { measuredAt: new Date().toISOString(), machine: { ...machine, load: loadavg()[0] }, rows };
  writeFileSync(join(results, `${name}.json`), `${JSON.stringify(report, null, 2)}\n`);
}
process.exit(0);

function print(row: BenchRow): void {
  const verdict = row.met === null ? '     ' : row.met ? 'met  ' : 'MISS ';
  const p95 = row.p95 === null ? '' : `, p95 ${figure(row.p95)}`;
  console.log(`${verdict} ${row.name}: ${figure(row.median)} ${row.unit}${p95}  (${row.target})\n       ${row.detail}`);
}

function figure(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en-US') : value.toFixed(2);
}

/** What every durable step waits for at least. */
function bareFsyncMs(): number {
  const directory = mkdtempSync(join(tmpdir(), 'conductor-fsync-'));
  const file = openSync(join(directory, 'file'), 'w');
  const times: number[] = [];
  for (let round = 0; round < 50; round += 1) {
    writeSync(file, 'x'.repeat(4_096));
    const from = performance.now();
    fsyncSync(file);
    times.push(performance.now() - from);
  }
  closeSync(file);
  rmSync(directory, { recursive: true });
  return median(times);
}
