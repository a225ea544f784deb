/**
 * Goal: what was acknowledged is found after any death of the process, and no batch is ever half there.
 * Method: a real process commits in a loop and says each acknowledged seq; it is killed at random moments, or its disk ends in the
 * middle of a write; then the store is opened here.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openSqliteStore } from '../../src/persistence/sqlite-store.ts';
import { endPrograms, startProgram } from './child-program.ts';
import { idOf } from './store-builders.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'conductor-'));
  path = join(folder, 'conductor.db');
});
afterEach(async () => {
  await endPrograms();
  rmSync(folder, { recursive: true });
});

const lastOf = (lines: readonly string[], word: string): number =>
  Math.max(0, ...lines.filter((line) => line.startsWith(`${word} `)).map((line) => Number(line.split(' ')[1])));

/** Opens, asserts that everything agrees, and says where the journal ends. */
const inspect = async (): Promise<{ lastSeq: number; wasClean: boolean }> => {
  const store = await openSqliteStore({ path });
  try {
    const lastSeq = await store.lastSeq();
    const actor = await store.getActor(idOf('task', 1));
    expect(lastSeq % 3).toBe(0);
    expect(actor?.revision ?? 0).toBe(lastSeq / 3);
    expect(actor?.snapshot.context['seq'] ?? 0).toBe(lastSeq);
    const tail = await store.listJournal({ limit: 9, order: 'newest' });
    expect(tail.map(({ seq }) => seq)).toEqual(tail.map((_, index) => lastSeq - index));
    if (lastSeq > 0) expect(await store.getBlob(`blob ${lastSeq}`)).not.toBeNull();
    expect(await store.getBlob(`blob ${lastSeq + 3}`)).toBeNull();
    expect((await store.counts()).task).toEqual(lastSeq === 0 ? {} : { ready: 1 });
    return { lastSeq, wasClean: store.wasClean };
  } finally {
    await store.close();
  }
};

test('kill -9 at random moments: acknowledged is found, and nothing is half there', async () => {
  let found = 0;
  for (let round = 1; round <= 12; round += 1) {
    const program = startProgram('commit-in-a-loop.ts', [path]);
    const wanted = Math.floor(Math.random() * 40);
    await program.line((line) => line.startsWith('acknowledged') && program.lines.length > wanted);
    program.kill('SIGKILL');
    await program.ended;
    const { lastSeq, wasClean } = await inspect();
    expect(lastSeq).toBeGreaterThanOrEqual(lastOf(program.lines, 'acknowledged'));
    expect(lastSeq).toBeLessThanOrEqual(lastOf(program.lines, 'started') + 3);
    expect(lastSeq).toBeGreaterThan(found);
    expect(wasClean).toBe(false);
    found = lastSeq;
  }
  expect((await inspect()).wasClean).toBe(true);
}, 120_000);

test('a disk that ends while COMMIT writes: the outcome is unknown, and nothing is written after it', async () => {
  const outcomes = new Set<string>();
  for (const blocks of [600, 900, 1_500, 2_500]) {
    rmSync(folder, { recursive: true });
    folder = mkdtempSync(join(tmpdir(), 'conductor-'));
    path = join(folder, 'conductor.db');
    const fixture = fileURLToPath(new URL('./fixtures/commit-in-a-loop.ts', import.meta.url));
    // No file of the process may grow beyond this many blocks of 512 or 1024 bytes: writes fail as on a full disk.
    const { stdout } = spawnSync(
      'sh',
      ['-c', 'ulimit -f "$1"; exec "$2" "$3" "$4"', 'sh', String(blocks), process.execPath, fixture, path],
      {
        encoding: 'utf8',
      },
    );
    const lines = stdout.trim().split('\n');
    outcomes.add(lines.at(-1)!);
    const { lastSeq } = await inspect();
    expect(lastOf(lines, 'acknowledged')).toBeGreaterThan(0);
    expect([lastOf(lines, 'acknowledged'), lastOf(lines, 'started')]).toContain(lastSeq);
  }
  expect([...outcomes]).toEqual(['ended unknown  then unknown']);
}, 120_000);
