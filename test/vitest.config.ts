import { defineConfig } from 'vitest/config';

// One project a kind of test. Only `fault` and `e2e` start many processes, and they may take their time.
const project = (name: string, testTimeout: number): object => ({
  extends: true,
  test: { name, include: [`test/${name}/**/*.test.ts`], testTimeout, hookTimeout: testTimeout },
});

export default defineConfig({
  root: new URL('..', import.meta.url).pathname,
  test: {
    globalSetup: ['test/support/install-tools.ts'],
    restoreMocks: true,
    pool: 'forks',
    // Most tests wait for processes, not for a processor; the default leaves one idle.
    maxWorkers: '100%',
    projects: [
      project('unit', 20_000),
      project('conformance', 60_000),
      project('architecture', 60_000),
      project('integration', 300_000),
      project('fault', 600_000),
      project('e2e', 300_000),
    ],
  },
});
