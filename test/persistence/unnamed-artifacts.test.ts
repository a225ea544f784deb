/**
 * Goal: U1 to U3 of unnamed-artifacts.ts: what nobody names goes, and nothing that somebody has just stored.
 * Method: real files whose age a test sets; whoever stores the same bytes does so between two steps of a removal.
 */
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, utimesSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { artifactPath, storeArtifact } from '../../src/persistence/artifact-files.ts';
import {
  ARTIFACT_GRACE_MS,
  artifactsInFolder,
  bringBackAside,
  removeUnnamed,
} from '../../src/persistence/unnamed-artifacts.ts';

let artifacts: string;
beforeEach(() => {
  artifacts = mkdtempSync(join(tmpdir(), 'conductor-'));
});
afterEach(() => rmSync(artifacts, { recursive: true }));

const now = Date.now();
const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');
const pathOf = (text: string): string => artifactPath(artifacts, hashOf(text));
const store = (text: string) => storeArtifact(artifacts, Buffer.from(text), { bytesMax: 1_000 });
const storeOld = async (text: string, ageMs = ARTIFACT_GRACE_MS + 1_000): Promise<void> => {
  await store(text);
  const at = new Date(now - ageMs);
  utimesSync(pathOf(text), at, at);
};
const nobody = async (): Promise<ReadonlySet<string>> => new Set();
const remove = (texts: readonly string[], named: Parameters<typeof removeUnnamed>[0]['named'] = nobody) =>
  removeUnnamed({ artifacts, now, named }, texts.map(hashOf));

test('U1: what is old and named by nobody goes; what is named, young or not there does not', async () => {
  await storeOld('old');
  await storeOld('named');
  await storeOld('young', ARTIFACT_GRACE_MS - 60_000);
  const asked: string[] = [];
  const named = async (hashes: readonly string[]): Promise<ReadonlySet<string>> => {
    asked.push(...hashes);
    return new Set([hashOf('named')]);
  };
  expect(await remove(['old', 'named', 'young', 'none'], named)).toEqual({ removed: [hashOf('old')], bytes: 3 });
  expect(['old', 'named', 'young'].map((text) => existsSync(pathOf(text)))).toEqual([false, true, true]);
  expect(asked).toEqual([hashOf('old'), hashOf('named')]);
});

test('U2: whoever stores the same bytes while they are looked up keeps them', async () => {
  await storeOld('same');
  expect(await remove(['same'], async () => store('same').then(nobody))).toEqual({ removed: [], bytes: 0 });
  expect(existsSync(pathOf('same'))).toBe(true);
});

test('U2: many who store and remove the same bytes at once never lose them', async () => {
  for (let round = 0; round < 100; round += 1) {
    await storeOld('same');
    const [, ...stored] = await Promise.all([remove(['same']), store('same'), store('same')]);
    expect(stored.map(({ sha256 }) => existsSync(artifactPath(artifacts, sha256)))).toEqual([true, true]);
    expect(await artifactsInFolder(artifacts, Number.parseInt(hashOf('same').slice(0, 2), 16))).toEqual([
      hashOf('same'),
    ]);
  }
});

test('U3: what was moved aside when the process died comes back, once', async () => {
  for (const text of ['lost', 'stored again']) {
    await storeOld(text);
    mkdirSync(join(artifacts, 'aside'), { recursive: true });
    renameSync(pathOf(text), join(artifacts, 'aside', hashOf(text)));
  }
  await store('stored again');
  await bringBackAside(artifacts);
  expect(['lost', 'stored again'].map((text) => existsSync(pathOf(text)))).toEqual([true, true]);
  expect(existsSync(join(artifacts, 'aside', hashOf('lost')))).toBe(false);
  await bringBackAside(join(artifacts, 'none'));
});
