import { describe } from 'vitest';
import { failure } from './ask.ts';
import { onBoth } from './both.ts';
import { missing } from './missing.ts';
import { newerOnes, unpacked } from './newer.ts';
import type { Scenario } from './outcome.ts';
import { basics } from './scenarios/basics.ts';
import { changes } from './scenarios/changes.ts';
import { networks } from './scenarios/networks.ts';

// Later podmans say the same in other words: lists for maps, `update`, `create`, `--version`.
const chosen = [
  'the default network, with a published port',
  'podman network create, with all that it can say',
  'containers find each other by name and alias',
  'podman network connect and disconnect of a running container',
  'two networks from the start, each with its address, alias and interface name',
  'IPv4 and IPv6',
];

const newWords: Scenario[] = [
  {
    title: 'podman info asks for versions, podman network update for other resolvers',
    async run(host) {
      await host.must('network create web');
      await host.start('a', '--network web');
      const info = await host.json<{
        host: { networkBackendInfo: { backend: string; version?: string; dns: object } };
      }>('info --format json');
      const { backend, version, dns } = info.host.networkBackendInfo;
      return {
        backend,
        tellsVersions: [version, (dns as { version?: string }).version].map((text) =>
          /^[\w-]+ \d+\.\d+\.\d+$/.test(text ?? ''),
        ),
        update: failure(await host.podman('network update web --dns-add 10.77.0.9')),
        servers: await host.must('network inspect web --format "{{.NetworkDNSServers}}"'),
        drop: failure(await host.podman('network update web --dns-drop 10.77.0.9')),
        unknown: failure(await host.podman('network update nosuch --dns-add 10.77.0.9')),
      };
    },
  },
];

const scenarios = [...[...basics, ...changes, ...networks].filter(({ title }) => chosen.includes(title)), ...newWords];
const all = process.env.PODMAN_NEWER === 'all';

describe.skipIf(missing()).each(newerOnes.filter(({ seldom }) => all || !seldom))(
  'the podman of $name does the same on netloom',
  (newer) => {
    onBoth(scenarios, newer.name, () => unpacked(newer));
  },
);
