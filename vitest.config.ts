import { defineConfig } from 'vitest/config';

/** They touch nothing outside their own process, and measure nothing: two of them at a time. */
const unit = [
  'test/*.test.ts',
  'test/{core,machines}/**/*.test.ts',
  'test/{actors/decide,bus/subjects,resolver/compression}.test.ts',
  'test/bench/{breakdown,namespaces,process-usage,quick,statistics,table}.test.ts',
  'test/cli/{container-options,event-line,failure,go-template,name-options,network-argument,network-request}.test.ts',
  'test/cli/{port-mapping,ps,terminal}.test.ts',
  'test/docs/{behaviour,cases,layers}.test.ts',
  'test/kernel/{deadlines,executor}.test.ts',
];
const measuring = ['test/core/{network-check,subnet-pool}.test.ts'];

/** Each is on a host of its own, measures nothing, and takes no silence for an answer: two of them at a time. */
const paired = [
  'test/actors/{crash,fault-sweep,storm,walk}.test.ts',
  'test/cases/{b01-*,b05-lan,b06-*,b08-*,b11-run-*,b13-*,b14-*,c03-*,c05-*,c07-*,c10-*,c13-*,c15-*}.test.ts',
  'test/cases/{n08-*,n11-*,n13-*,n15-*,n16-*,n18-*,names,p07-*,p10-d*,p11-*,p18-*,p21-*,p22-*}.test.ts',
  'test/cli/{commands,live-changes,networks,podman,run}.test.ts',
  'test/daemon/{bridge-owners,crash,kill-forwarding,kill-sweep-*,modes,networks,recovery}.test.ts',
  'test/doors/netavark.test.ts',
  'test/kernel/{firewall,firewall-matrix}.test.ts',
  'test/podman/{netloom,typed-routes}.test.ts',
];

/** They build earlier versions: only for `npm run test:upgrade`. */
const upgrades = process.env.UPGRADE === 'all' ? [] : ['test/upgrade/*.test.ts'];

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
    // only an end for what hangs: on a busy machine a test takes four times as long
    testTimeout: 120_000,
    hookTimeout: 120_000,
    projects: [
      group('paired', 0, 2, { include: paired }),
      group('unit', 1, 2, { include: unit, exclude: measuring }),
      group('measuring', 2, 1, { include: measuring }),
      group('netloom', 3, 1, { include: ['test/**/*.test.ts'], exclude: [...paired, ...unit, ...upgrades] }),
    ],
  },
});
