/** How the tests run: straight from the sources, each file in a process of its own. */
import { defineConfig } from 'vitest/config';

/** Tests start real git and real processes on two shared cores; anything slower than this hangs. */
const testTimeoutMs = 90_000;

const config = defineConfig({
  test: {
    dir: 'test',
    include: ['**/*.test.ts'],
    pool: 'forks',
    testTimeout: testTimeoutMs,
    hookTimeout: testTimeoutMs,
  },
});

// The one default export of the project: Vitest reads its configuration from there and from nowhere else.
export default config;
