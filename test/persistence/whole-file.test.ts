/**
 * Goal: a file that is written whole is the old or the new one, whatever happens at whatever step.
 * Method: a real process that is killed before or after its Nth step, or whose Nth step fails, for every N there is.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  artifactPath,
  listArtifactFiles,
  storeArtifact,
  sweepArtifactDrafts,
} from '../../src/persistence/artifact-files.ts';
import { readJsonFile, sweepDrafts, writeWholeFile } from '../../src/persistence/whole-file.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'conductor-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const fixture = (name: string): string => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));

/** One run of the fixture. @returns its last word, and how many steps it took (null when it was killed). */
const runWithFault = (fault: string, step: number, args: readonly string[]) => {
  const { stdout, signal } = spawnSync(
    process.execPath,
    ['--import', fixture('fail-at-step.ts'), fixture('write-file.ts'), ...args],
    { encoding: 'utf8', env: { ...process.env, FAULT: fault, FAULT_STEP: String(step) } },
  );
  const steps = /^steps (\d+)$/m.exec(stdout)?.[1];
  return {
    signal,
    isDone: /^done$/m.test(stdout),
    failure: /^failed (\S+)$/m.exec(stdout)?.[1] ?? null,
    steps: steps === undefined ? null : Number(steps),
  };
};

const longText = 'new '.repeat(20_000);

describe.each(['kill', 'kill-after', 'EIO', 'ENOSPC', 'EMFILE'])('%s at every step', (fault) => {
  test('a whole file is the old or the new one, and can be written again', async () => {
    const path = join(folder, 'file.json');
    writeFileSync(path, 'old');
    const { steps } = runWithFault('none', 0, ['whole', path, longText]);
    expect(steps).toBeGreaterThan(8);
    const outcomes = new Set<string>();
    for (let step = 1; step <= steps! + 1; step += 1) {
      writeFileSync(path, 'old');
      const result = runWithFault(fault, step, ['whole', path, longText]);
      const content = readFileSync(path, 'utf8');
      expect(['old', longText]).toContain(content);
      // Told done means there; a step that only fails never kills.
      if (result.isDone) expect(content).toBe(longText);
      expect(result.signal).toBe(fault.startsWith('kill') && step <= steps! ? 'SIGKILL' : null);
      outcomes.add(`${content.slice(0, 3)} ${result.isDone ? 'done' : (result.failure ?? 'killed')}`);
      await writeWholeFile(path, 'again');
      expect(readFileSync(path, 'utf8')).toBe('again');
      sweepDrafts(path);
      expect(readdirSync(folder)).toEqual(['file.json']);
    }
    // The faults were real: some came before the new content and some after it.
    expect(outcomes).toContain('new done');
    expect([...outcomes].some((outcome) => outcome.startsWith('old'))).toBe(true);
  });

  test('an artifact is there whole or not at all', async () => {
    const artifacts = join(folder, 'artifacts');
    const { steps } = runWithFault('none', 0, ['artifact', artifacts, longText]);
    expect(steps).toBeGreaterThan(3);
    const [hash] = await listArtifactFiles(artifacts);
    for (let step = 1; step <= steps! + 1; step += 1) {
      rmSync(artifacts, { recursive: true });
      const result = runWithFault(fault, step, ['artifact', artifacts, longText]);
      const found = await listArtifactFiles(artifacts);
      if (result.isDone) expect(found).toEqual([hash]);
      for (const name of found) expect(readFileSync(artifactPath(artifacts, name), 'utf8')).toBe(longText);
      await sweepArtifactDrafts(artifacts);
      expect(await storeArtifact(artifacts, Buffer.from(longText), { bytesMax: 1_000_000 })).toMatchObject({
        sha256: hash,
      });
    }
  });
});

test('files are for this user alone unless asked otherwise', async () => {
  await writeWholeFile(join(folder, 'a'), 'x');
  await writeWholeFile(join(folder, 'b'), new Uint8Array([1, 2]), { mode: 0o755 });
  await writeWholeFile(join(folder, 'b'), new Uint8Array([1, 2]), { mode: 0o755 });
  expect(statSync(join(folder, 'a')).mode & 0o777).toBe(0o600);
  expect(statSync(join(folder, 'b')).mode & 0o777).toBe(0o755);
  expect(readFileSync(join(folder, 'b'))).toEqual(Buffer.from([1, 2]));
});

test('writes to one path follow one another', async () => {
  const path = join(folder, 'a');
  const texts = Array.from({ length: 20 }, (_, index) => String(index).repeat(10_000));
  await Promise.all(texts.map((text) => writeWholeFile(path, text)));
  expect(readFileSync(path, 'utf8')).toBe(texts.at(-1));
  expect(readdirSync(folder)).toEqual(['a']);
});

test('JSON is read back; what is missing is null, what is no JSON is named', async () => {
  const path = join(folder, 'a.json');
  expect(await readJsonFile(path)).toBeNull();
  await writeWholeFile(path, '{"a":[null]}');
  expect(await readJsonFile(path)).toEqual({ a: [null] });
  await writeWholeFile(path, '{"a":');
  await expect(readJsonFile(path)).rejects.toMatchObject({ code: 'internal', details: { path } });
});

test('a directory that does not exist is an error, and nothing is made', async () => {
  await expect(writeWholeFile(join(folder, 'none', 'a'), 'x')).rejects.toMatchObject({ code: 'ENOENT' });
  expect(existsSync(join(folder, 'none'))).toBe(false);
});
