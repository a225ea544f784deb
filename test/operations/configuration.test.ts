/**
 * Goal: the layers win in their order, and a repository gets what a human allowed, limits apart.
 * Method: tables over layers, and files in a temporary home.
 */
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isConductorError } from '../../src/machines/errors.ts';
import { parseConfiguration } from '../../src/operations/configuration-file.ts';
import {
  BUILT_IN_CONFIGURATION,
  createConfigurationSource,
  layConfiguration,
} from '../../src/operations/configuration.ts';
import { openTrust } from '../../src/operations/trust.ts';
import { sha256 } from '../../src/supervisor/specs/canonical-json.ts';

const refusalOf = async (act: () => unknown): Promise<string> => {
  try {
    await act();
    return 'nothing';
  } catch (error) {
    return isConductorError(error) ? `${error.code}: ${error.message}` : String(error);
  }
};

const sourceOf = (user: string | null, repository: string | null, trusted: readonly string[] = []) =>
  createConfigurationSource({
    userFile: async () => (user === null ? null : { text: user, path: 'user.yaml' }),
    fileAt: async (commit) => (commit === 'abc' ? repository : null),
    isTrusted: async (hash) => trusted.includes(hash),
  });

describe('layers', () => {
  test('user over repository over built in; names are joined', () => {
    const laid = layConfiguration(
      { timeoutMs: 5_000, env: ['KEY'] },
      { timeoutMs: 2_000, verify: ['make test'], env: ['TOKEN', 'KEY'], idleMs: 7_000 },
      true,
    );
    expect(laid.values).toMatchObject({
      timeoutMs: 5_000,
      idleMs: 7_000,
      verify: ['make test'],
      env: ['TOKEN', 'KEY'],
    });
    expect(laid.from).toMatchObject({ timeoutMs: 'user', idleMs: 'repository', setup: 'built in' });
    expect(laid.notInForce).toEqual([]);
  });

  test.each([
    ['maxConcurrency', 2, true],
    ['maxConcurrency', 5, false],
    ['timeoutMs', 1_000, true],
    ['timeoutMs', 0, false],
    ['idleMs', 1_800_000, true],
    ['logBytesMax', 65_536, true],
    ['retainDays', 1, false],
    ['setup', ['rm -rf /'], false],
    ['verify', [], false],
    ['env', ['TOKEN'], false],
    ['branchPrefix', 'x', false],
    ['worktreesDir', '/tmp', false],
    ['idleExitMs', 1_000, false],
    ['gitFilters', ['lfs'], false],
  ] as const)('C1: an untrusted repository says %s: %j → %s', (key, value, counts) => {
    const laid = layConfiguration({}, { [key]: value }, false);
    expect(laid.values[key]).toEqual(counts ? value : BUILT_IN_CONFIGURATION[key]);
    expect(laid.notInForce.map((one) => one.key)).toEqual(counts ? [] : [key]);
  });
});

describe("a user's own word", () => {
  test.each([true, false])('C1: a repository (trusted: %j) never says which filter programs run', (trusted) => {
    const repository = { gitFilters: ['lfs', 'evil'] };
    const laid = layConfiguration({}, repository, trusted);
    expect(laid).toMatchObject({ values: { gitFilters: [] }, from: { gitFilters: 'built in' } });
    expect(laid.notInForce).toMatchObject([{ key: 'gitFilters', why: expect.stringContaining('[lfs, evil]') }]);
    const granted = layConfiguration({ gitFilters: ['lfs'] }, repository, trusted);
    expect(granted).toMatchObject({ values: { gitFilters: ['lfs'] }, from: { gitFilters: 'user' } });
    expect(granted.notInForce).toMatchObject([{ key: 'gitFilters', why: expect.stringContaining('[evil]') }]);
    expect(layConfiguration({ gitFilters: ['evil', 'lfs'] }, repository, trusted).notInForce).toEqual([]);
  });
});

describe('files', () => {
  test('comments alone configure nothing; a wrong key is found by place', async () => {
    expect(parseConfiguration('# nothing\n\n', 'c.yaml')).toEqual({});
    expect(await refusalOf(() => parseConfiguration('verfy: [x]', 'c.yaml'))).toBe(
      'invalid_params: c.yaml:1:1: verfy is not a known key: did you mean verify?',
    );
    expect(await refusalOf(() => parseConfiguration("env: [CONDUCTOR_X]\nsetup: [' ']", 'c.yaml'))).toBe(
      'invalid_params: c.yaml:1:7: env[0] must be the name of a variable, and not begin with CONDUCTOR_',
    );
  });

  test('C3: the file of that commit counts, once it is trusted', async () => {
    const text = 'verify: [make test]\n';
    expect(await sourceOf(null, text).at('abc')).toMatchObject({
      values: { verify: [] },
      notInForce: [{ key: 'verify' }],
      repository: { hash: sha256(text), trusted: false },
    });
    const trusted = await sourceOf(null, text, [sha256(text)]).at('abc');
    expect(trusted).toMatchObject({ values: { verify: ['make test'] }, notInForce: [] });
    expect(await sourceOf(null, text, [sha256(text)]).at('def')).toMatchObject({
      values: { verify: [] },
      repository: null,
    });
  });

  test('C4: a broken file of the repository is not in force, a broken file of the user is an error', async () => {
    expect((await sourceOf(null, 'verify: {').at('abc')).notInForce[0]?.why).toMatch(
      /^\.conductor\/config\.yaml:1:\d+: /,
    );
    expect(await refusalOf(async () => sourceOf('timeoutMs: 1', null).at(null))).toContain('user.yaml:1:12: timeoutMs');
  });
});

describe('trust', () => {
  let home: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'conductor-'));
  });
  afterEach(() => {
    rmSync(home, { recursive: true, force: true });
  });
  const hash = sha256('a');

  test('T1: one content is trusted, once, in a file of its owner alone', async () => {
    const trust = openTrust(home);
    expect(await trust.isTrusted(hash)).toBe(false);
    await trust.trust(hash, 1);
    await trust.trust(hash, 2);
    expect(await openTrust(home).list()).toEqual([{ hash, at: 1 }]);
    expect(await trust.isTrusted(sha256('b'))).toBe(false);
    expect(statSync(join(home, 'trust.json')).mode & 0o777).toBe(0o600);
    expect(await refusalOf(async () => trust.trust('abc', 3))).toContain('invalid_params');
  });

  test.each(['{', '[]', '{"schemaVersion":2,"trusted":[]}', '{"schemaVersion":1,"trusted":[{}]}'])(
    'T2: %s trusts nothing and stays',
    async (text) => {
      writeFileSync(join(home, 'trust.json'), text);
      chmodSync(join(home, 'trust.json'), 0o600);
      const trust = openTrust(home);
      expect(await trust.isTrusted(hash)).toBe(false);
      expect(await refusalOf(async () => trust.trust(hash, 1))).toContain('store_damaged');
      expect(await trust.list()).toEqual([]);
    },
  );
});
