/** How the tests run: straight from the sources, each file in a process of its own. */
import { defineConfig } from 'vitest/config';

/** Tests start real git and real processes on two shared cores; anything slower than this hangs. */
const testTimeoutMs = 90_000;

/**
 * Two cores that others use too: a test of real processes that fails once in CI is tried once more, and the report names it with
 * what it said. Here nothing is tried again.
 */
const retries = process.env['CI'] === undefined ? 0 : 1;

/** Much of a test of real processes is waiting: one file for every processor, none left free as is the default. */
const workers = '100%';

const config = defineConfig({
  test: {
    dir: 'test',
    include: ['**/*.test.ts'],
    globalSetup: ['test/machines/graph/merge-coverage.ts'],
    pool: 'forks',
    maxWorkers: workers,
    retry: retries,
    testTimeout: testTimeoutMs,
    hookTimeout: testTimeoutMs,
  },
});

// The one default export of the project: Vitest reads its configuration from there and from nowhere else.
export default config;
