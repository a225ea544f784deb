/**
 * Goal: evidence is copied whole, once, under its hash; and reading a file that somebody else named cannot leave its directory.
 * Method: real files, links, pipes and streams in a temporary directory.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  createReadStream,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  artifactPath,
  listArtifactFiles,
  readArtifact,
  readContainedText,
  storeArtifact,
  sweepArtifactDrafts,
} from '../../src/persistence/artifact-files.ts';
import { openContained } from '../../src/persistence/contained-file.ts';

let folder: string;
let artifacts: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'conductor-'));
  artifacts = join(folder, 'artifacts');
});
afterEach(() => rmSync(folder, { recursive: true }));

const hashOf = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex');

async function* chunks(...parts: string[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part);
}

async function* broken(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('begin');
  throw new Error('gone');
}

const root = () => join(folder, 'root');
const read = (ref: string, maxBytes?: number) => readContainedText(root(), ref, maxBytes);
const lengthOfBig = async (max?: number) => (await read('big', max)).content!.length;

describe('storing', () => {
  test('A1: bytes stand under their hash, for this user alone', async () => {
    const data = Buffer.from('evidence');
    expect(await storeArtifact(artifacts, data, { bytesMax: 100 })).toEqual({
      sha256: hashOf(data),
      bytes: 8,
      truncated: false,
    });
    const path = artifactPath(artifacts, hashOf(data));
    expect(path).toBe(join(artifacts, hashOf(data).slice(0, 2), hashOf(data)));
    expect(readFileSync(path)).toEqual(data);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(artifacts, 'drafts'))).toEqual([]);
  });

  test('A2: the same bytes are stored once, also at the same time', async () => {
    const data = Buffer.alloc(200_000, 7);
    const stored = await Promise.all(
      Array.from({ length: 8 }, () => storeArtifact(artifacts, data, { bytesMax: 1e6 })),
    );
    expect(new Set(stored.map(({ sha256 }) => sha256)).size).toBe(1);
    expect(await listArtifactFiles(artifacts)).toEqual([hashOf(data)]);
    expect(readdirSync(join(artifacts, 'drafts'))).toEqual([]);
  });

  test.each([
    [1, 'a'],
    [5, 'abcde'],
    [6, 'abcdef'],
    [7, 'abcdef'],
  ])("A3: a stream is cut at %i bytes, and hash and size are the copy's", async (bytesMax, content) => {
    const stored = await storeArtifact(artifacts, chunks('abc', '', 'def'), { bytesMax });
    expect(stored).toEqual({ sha256: hashOf(Buffer.from(content)), bytes: content.length, truncated: bytesMax < 6 });
    expect(readFileSync(artifactPath(artifacts, stored.sha256), 'utf8')).toBe(content);
  });

  test('a stream is read no further than the limit', async () => {
    let pulled = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) {
        pulled += 1;
        yield Buffer.alloc(1_000);
      }
    }
    expect(await storeArtifact(artifacts, endless(), { bytesMax: 5_500 })).toMatchObject({
      bytes: 5_500,
      truncated: true,
    });
    expect(pulled).toBe(6);
  });

  test('a large file is streamed whole, an empty one is fine', async () => {
    const data = Buffer.alloc(3_000_000).map((_, index) => index % 251);
    writeFileSync(join(folder, 'large'), data);
    const stored = await storeArtifact(artifacts, createReadStream(join(folder, 'large')), { bytesMax: 16 * 2 ** 20 });
    expect(stored).toEqual({ sha256: hashOf(data), bytes: data.length, truncated: false });
    expect(await storeArtifact(artifacts, chunks(), { bytesMax: 1 })).toMatchObject({ bytes: 0, truncated: false });
  });

  test('a source that fails leaves nothing behind', async () => {
    await expect(storeArtifact(artifacts, broken(), { bytesMax: 100 })).rejects.toThrow('gone');
    expect(await listArtifactFiles(artifacts)).toEqual([]);
    expect(readdirSync(join(artifacts, 'drafts'))).toEqual([]);
  });

  test('drafts of killed writers are swept, copies stay', async () => {
    const { sha256 } = await storeArtifact(artifacts, Buffer.from('x'), { bytesMax: 10 });
    writeFileSync(join(artifacts, 'drafts', 'left'), 'half');
    await sweepArtifactDrafts(artifacts);
    expect(readdirSync(artifacts)).toEqual([sha256.slice(0, 2)]);
    expect(await listArtifactFiles(join(folder, 'none'))).toEqual([]);
  });

  test('what is no hash is no path', () => {
    for (const hash of ['', '..', `../${'a'.repeat(61)}`, 'A'.repeat(64), 'a'.repeat(63)]) {
      expect(() => artifactPath(artifacts, hash)).toThrow(expect.objectContaining({ code: 'invalid_params' }));
    }
  });
});

describe('reading', () => {
  beforeEach(() => {
    mkdirSync(join(root(), 'sub'), { recursive: true });
    writeFileSync(join(root(), 'sub', 'file.txt'), 'inside');
    writeFileSync(join(folder, 'secret'), 'outside');
  });

  test('a file inside is read', async () => {
    expect(await read('sub/file.txt')).toEqual({ content: 'inside', truncated: false, diagnostic: null });
    expect(await read('./sub//file.txt')).toMatchObject({ content: 'inside' });
    const { sha256 } = await storeArtifact(artifacts, Buffer.from('copy'), { bytesMax: 10 });
    expect(await readArtifact(artifacts, sha256)).toMatchObject({ content: 'copy' });
    expect(await readArtifact(artifacts, 'a'.repeat(64))).toMatchObject({ content: null });
  });

  test('N1: names that lead outside are errors', async () => {
    symlinkSync(join(folder, 'secret'), join(root(), 'link'));
    symlinkSync(folder, join(root(), 'up'));
    const refs = [
      '',
      '/etc/passwd',
      '../secret',
      'sub/../../secret',
      'sub\\..\\..\\secret',
      'a\0b',
      'link',
      'up/secret',
      '.',
    ];
    for (const ref of refs) await expect(read(ref), ref).rejects.toMatchObject({ code: 'invalid_params' });
  });

  test('links that stay inside are followed', async () => {
    symlinkSync('sub/file.txt', join(root(), 'link'));
    symlinkSync(root(), join(folder, 'root link'));
    expect(await read('link')).toMatchObject({ content: 'inside' });
    expect(await readContainedText(join(folder, 'root link'), 'link')).toMatchObject({ content: 'inside' });
  });

  test('N2: what is no file, missing, external or binary has no content and says why', async () => {
    execFileSync('sh', ['-c', 'mkfifo "$1"', 'sh', join(root(), 'pipe')]);
    symlinkSync('loop', join(root(), 'loop'));
    writeFileSync(join(root(), 'binary'), `${'a'.repeat(1_023)}\0`);
    writeFileSync(join(root(), 'late'), `${'a'.repeat(1_024)}\0`);
    const why = async (ref: string) => (await read(ref)).diagnostic;
    expect(await why('pipe')).toMatch(/not a file/);
    expect(await why('sub')).toMatch(/not a file/);
    expect(await why('none')).toMatch(/does not exist/);
    expect(await why('sub/file.txt/x')).toMatch(/does not exist/);
    expect(await why('loop')).toMatch(/does not exist/);
    expect(await why('https://example.org/x')).toMatch(/not fetched/);
    expect(await why('file:///etc/passwd')).toMatch(/not fetched/);
    expect(await why('binary')).toMatch(/binary \(1024 bytes\)/);
    expect((await read('late')).content).toHaveLength(1_025);
  });

  test('an open file is what was checked, and can be stored', async () => {
    const file = await openContained(root(), 'sub/file.txt');
    if (file.kind !== 'file') throw new Error(file.diagnostic);
    expect(file.bytes).toBe(6);
    const stored = await storeArtifact(artifacts, file.handle.createReadStream(), { bytesMax: 3 });
    expect(stored).toMatchObject({ bytes: 3, truncated: true });
  });

  test('a cut is between two characters, and at most what was asked', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: 'grapheme-composite', maxLength: 30 }),
        fc.integer({ min: 1, max: 60 }),
        async (text, max) => {
          // A cut within a character would show as U+FFFD: the text itself has none.
          const clean = text.replaceAll('\0', '0').replaceAll('\ufffd', '?');
          writeFileSync(join(root(), 'text'), clean);
          const { content, truncated } = await read('text', max);
          expect(clean.startsWith(content!)).toBe(true);
          expect(content).not.toContain('\ufffd');
          const bytes = Buffer.byteLength(content!);
          expect(bytes).toBeLessThanOrEqual(max);
          expect(truncated).toBe(Buffer.byteLength(clean) > max);
          if (truncated) expect(bytes).toBeGreaterThan(max - 4);
          else expect(content).toBe(clean);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('sizes are kept within 1 byte and 1 MiB, 8 KiB unless said', async () => {
    writeFileSync(join(root(), 'big'), 'a'.repeat(1_500_000));
    expect(await lengthOfBig()).toBe(8_192);
    expect(await lengthOfBig(0)).toBe(1);
    expect(await lengthOfBig(-5)).toBe(1);
    expect(await lengthOfBig(Number.NaN)).toBe(1);
    expect(await lengthOfBig(1e9)).toBe(1_048_576);
  });
});
