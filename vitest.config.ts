import { defineConfig } from 'vitest/config';

/** They take long, measure nothing, and each is on a host of its own: two of them at a time. */
const long = [
  'test/actors/{crash,fault-sweep,storm,walk}.test.ts',
  'test/daemon/crash.test.ts',
  'test/daemon/kill-sweep-*.test.ts',
  'test/machines/paths.test.ts',
];

/** What a group has with others; the groups come one after another. */
const group = (
  name: string,
  groupOrder: number,
  maxWorkers: number,
  files: { include: string[]; exclude?: string[] },
) => ({
  extends: true as const,
  test: { name, sequence: { groupOrder }, maxWorkers, ...files },
});

export default defineConfig({
  test: {
    // a file is a process: tests move their main thread into namespaces of their own
    pool: 'forks',
    globalSetup: ['test/support/build.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    projects: [
      group('long', 0, 2, { include: long }),
      group('netloom', 1, 1, { include: ['test/**/*.test.ts'], exclude: long }),
    ],
  },
});
