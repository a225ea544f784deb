/**
 * Goal: a whole run, from the grant to the exit record, loads nothing of Node that it can do without: fifty runners wait at one time.
 * Method: the bundled program says at its end what it has loaded.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { openProcessTable } from '../../../src/supervisor/processes/open-process-table.ts';
import { RunnerBench } from './runner-bench.ts';

const BUNDLE = fileURLToPath(new URL('../../../dist/programs/runner.cjs', import.meta.url));

let bench: RunnerBench;
afterEach(() => bench.close());

test('no ciphers, no protocols, no streams of the web', async () => {
  const { hostId } = openProcessTable();
  bench = new RunnerBench(['/bin/sh', '-c', 'echo done'], { completion: 'exit-code', hostId });
  const said = join(bench.root, 'loaded');
  const tells = join(bench.root, 'tells.cjs');
  const list = "process.moduleLoadList.join('\\n')";
  writeFileSync(tells, `process.on('exit', () => require('fs').writeFileSync(${JSON.stringify(said)}, ${list}));\n`);
  bench.env['NODE_OPTIONS'] = `--require=${tells}`;
  await bench.supervisor.start();
  const runner = bench.start(BUNDLE);
  await bench.reported('agent.exited');
  expect((await bench.finish(runner)).code).toBe(0);
  const loaded = readFileSync(said, 'utf8').split('\n');
  expect(loaded).toContain('NativeModule net');
  const heavy = /^NativeModule (?:crypto|internal\/crypto|http|https|tls|internal\/deps\/undici|internal\/webstreams)/;
  expect(loaded.filter((name) => heavy.test(name))).toEqual([]);
});
