/**
 * Goal: no copy of evidence holds a secret's value, whatever its size and wherever chunks end; the work is the same in a thread, in
 * place, and where there are no threads.
 * Method: real files and threads; a value laid across every place of a chunk's border.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { artifactPath } from '../../src/persistence/artifact-files.ts';
import { loadThreads, openEvidenceStore, type EvidencePool } from '../../src/supervisor/evidence-store.ts';
import { keepEvidence } from '../../src/supervisor/hash-worker.ts';
import { GrantedValues } from '../../src/supervisor/runs/granted-values.ts';
import type { EvidenceFile } from '../../src/supervisor/runs/runner-platform.ts';

const secret = 'hunter2-Zm9v/+bar=%baz';
const chunkBytes = 65_536;

let folder: string;
let artifacts: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'conductor-'));
  artifacts = join(folder, 'artifacts');
});
afterEach(() => rmSync(folder, { recursive: true }));

const contentOf = (sha256: string): Buffer => readFileSync(artifactPath(artifacts, sha256));
const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const fileOf = (text: string | Uint8Array): EvidenceFile => {
  const path = join(folder, 'file');
  writeFileSync(path, text);
  return { type: 'other', name: 'file', path, metadata: {}, isRedacted: false };
};

/** Lines of a patch, `bytes` long, with the value at the given place. */
const patchWith = (bytes: number, at: number): string => {
  const filler = '+some changed line of a patch\n'.repeat(Math.ceil(bytes / 30));
  return `${filler.slice(0, at)}${secret}${filler.slice(at, bytes - secret.length)}`;
};

const pools: Record<string, () => ReturnType<typeof openEvidenceStore>> = {
  'with threads': () => openEvidenceStore(artifacts),
  'without a pool': () => openEvidenceStore(artifacts, () => Promise.resolve(null)),
  'with a pool that fails': () =>
    openEvidenceStore(artifacts, () => Promise.resolve({ run: () => Promise.reject(new Error('no thread')) })),
};

describe.each(Object.keys(pools))('%s', (name) => {
  const open = pools[name]!;

  test.each([
    ['small', 4_000],
    ['large', 600_000],
  ])('a value in a %s text is not in the copy, and the hash is that of the copy', async (_, bytes) => {
    const text = patchWith(bytes, 1_000);
    const kept = await open().keepText(text, [secret]);
    const copy = contentOf(kept.sha256);
    expect(copy.toString()).toBe(text.replace(secret, '[redacted]'));
    expect(kept).toEqual({ sha256: hashOf(copy), bytes: copy.length, truncated: false });
    expect(readdirSync(join(artifacts, 'drafts'))).toEqual([]);
  });

  test('a value across the border of two chunks is found wherever the border cuts it', async () => {
    const store = open();
    for (let cut = 0; cut <= secret.length; cut += 1) {
      const text = patchWith(300_000, chunkBytes - cut);
      const [asText, asFile] = [await store.keepText(text, [secret]), await store.keepFile(fileOf(text), [secret])];
      expect(contentOf(asText.sha256).includes(secret)).toBe(false);
      expect(contentOf(asText.sha256).toString()).toBe(text.replace(secret, '[redacted]'));
      expect(asFile).toEqual(asText);
    }
  });

  test('what is larger than 16 MiB is cut, and no half of a value stands at the end', async () => {
    const kept = await open().keepText(patchWith(17 * 2 ** 20, 16 * 2 ** 20 - 5), [secret]);
    expect(kept).toMatchObject({ truncated: true, bytes: 16 * 2 ** 20 });
    expect(contentOf(kept.sha256).subarray(-40).toString()).not.toContain(secret.slice(0, 5));
  });

  test('binary passes byte for byte', async () => {
    const bytes = Uint8Array.from({ length: 400_000 }, (_, index) => (index * 2_654_435_761) >>> 24);
    const kept = await open().keepFile(fileOf(bytes), [secret]);
    expect(kept.sha256).toBe(hashOf(bytes));
  });

  test('a link is not followed, and leaves nothing behind', async () => {
    const target = fileOf('x'.repeat(500_000));
    const path = join(folder, 'link');
    symlinkSync(target.path, path);
    await expect(open().keepFile({ ...target, path }, [])).rejects.toMatchObject({ code: 'ELOOP' });
  });
});

const counting = () => {
  const sizes: number[] = [];
  const pool: EvidencePool = {
    run: (copy) => {
      sizes.push('bytes' in copy.source ? copy.source.bytes.length : -1);
      return keepEvidence(copy);
    },
  };
  let loads = 0;
  const store = openEvidenceStore(artifacts, () => {
    loads += 1;
    return Promise.resolve(pool);
  });
  return { store, sizes, loads: () => loads };
};

describe('who works', () => {
  test('E1: small pieces never load the pool, large ones load it once', async () => {
    const { store, sizes, loads } = counting();
    await store.keepText('x'.repeat(256 * 1_024), []);
    expect(loads()).toBe(0);
    await Promise.all([300_000, 400_000].map((size) => store.keepText('x'.repeat(size), [])));
    await store.keepFile(fileOf('x'.repeat(300_000)), []);
    expect(loads()).toBe(1);
    expect(sizes).toEqual([300_000, 400_000, -1]);
  });
});

test('threads do the work where they are installed', async () => {
  const pool = await loadThreads();
  const bytes = new TextEncoder().encode(`before ${secret} after`);
  const kept = await pool!.run({ directory: artifacts, source: { bytes }, bytesMax: 1_000, secrets: [secret] });
  expect(contentOf(kept.sha256).toString()).toBe('before [redacted] after');
  // The bytes went over; had it been done in place they would still be here.
  expect(bytes.length).toBe(0);
});

describe('which values', () => {
  const names = ['TOKEN_A', 'TOKEN_B'];

  test('those of the client, of the task and of the supervisor, each once', () => {
    const granted = new GrantedValues({ TOKEN_A: 'own-a', TOKEN_B: 'own-b', OTHER: 'other' });
    granted.keep(['task-1'], { TOKEN_A: 'sent-a', OTHER: 'sent-other' });
    expect(granted.secretsOf('task-1', names).toSorted()).toEqual(['own-a', 'own-b', 'sent-a']);
    expect(granted.secretsOf('task-2', names)).toEqual(['own-a', 'own-b']);
    expect(granted.secretsOf('task-2', names, { TOKEN_A: 'task-a', OTHER: 'no' }).toSorted()).toEqual([
      'own-a',
      'own-b',
      'task-a',
    ]);
    expect(granted.secretsOf('task-2', ['UNSET'])).toEqual([]);
  });

  test('G2: what a run was started with is hidden until its task is settled, also when a retry has other values', () => {
    const granted = new GrantedValues({ TOKEN_A: 'own-a' });
    const first = { taskId: 'task-1', runId: 'run-1', epoch: 1 };
    granted.keep(['task-1'], { TOKEN_A: 'sent-a' });
    granted.hide(first, ['sent-a', '']);
    granted.hide(first, ['told-by-the-runner']);
    granted.keep(['task-1'], { TOKEN_A: 'sent-later' });
    expect(granted.secretsOf('task-1', names).toSorted()).toEqual([
      'own-a',
      'sent-a',
      'sent-later',
      'told-by-the-runner',
    ]);
    expect(granted.secretsOf('task-2', names)).toEqual(['own-a']);
    expect([granted.isKnown(first), granted.isKnown({ ...first, epoch: 2 })]).toEqual([true, false]);
    granted.drop('task-1');
    expect([granted.isKnown(first), granted.secretsOf('task-1', names)]).toEqual([false, ['own-a']]);
  });
});
