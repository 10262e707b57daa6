import { defineConfig } from 'vitest/config';

/** They take long: first, so that none of them ends last. */
const long = [
  'test/actors/{crash,fault-sweep,storm,walk}.test.ts',
  'test/daemon/crash.test.ts',
  'test/daemon/kill-sweep-*.test.ts',
  'test/machines/paths.test.ts',
];

/** They look at the whole machine, measure, load it themselves, or share what is unpacked or stored on its disk. */
const alone = [
  'test/{bench,docs,podman}/*.test.ts',
  'test/cases/{b05-podman,c01-*,n02-*,n08-*,n24-*}.test.ts',
  'test/kernel/leak.test.ts',
  'test/resolver/storm.test.ts',
];

/** What a group has with others; the groups come one after another. Each file is on a host of its own. */
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
      group('netloom', 1, 2, { include: ['test/**/*.test.ts'], exclude: [...long, ...alone] }),
      group('alone', 2, 1, { include: alone }),
    ],
  },
});
