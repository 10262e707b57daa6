import { describe, expect, it, vi } from 'vitest';
import { cli, PodmanHost } from './host.ts';
import { missing } from './missing.ts';
import { rootOrReason, triedNewer, unpacked } from './newer.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 });

const tried = [
  { podman: '4.3', root: null },
  ...triedNewer.map((newer) => ({ ...newer, root: () => unpacked(newer) })),
];

// podman 4.3 knows no routes, and 5.4 no types of them.
describe.skipIf(missing())('a network with refusing routes, made by netloom', () => {
  it.for(tried)(
    'C04 a container of podman $podman has refusing routes, also after the file was written again',
    async ({ root }, context) => {
      const path = await rootOrReason(root);
      if ('reason' in path) return context.skip(path.reason);
      const host = await PodmanHost.open('netloom', path.root);
      try {
        await host.sh(
          `${cli} network create --subnet 10.5.0.0/24 --route 10.66.0.0/16,blackhole --route 10.67.0.0/16,10.5.0.9 ours`,
        );
        for (const change of ['true', `${cli} network update --dns-add 192.0.2.53 ours`]) {
          await host.sh(change);
          await host.start('a', '--network ours');
          const netns = await host.must('inspect --format {{.NetworkSettings.SandboxKey}} a');
          const routes = await host.sh(`nsenter --net=${netns.trim()} ip route`);
          expect(routes).toMatch(/^blackhole 10\.66\.0\.0\/16 .*metric 100/m);
          expect(routes).toContain('10.67.0.0/16 via 10.5.0.9');
          await host.must('rm -f -t 0 a');
        }
        await host.clear();
      } finally {
        await host.close();
      }
    },
  );
});
